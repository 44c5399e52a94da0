// SPDX-License-Identifier: GPL-2.0
/* Which symbols are an allocator's; what is found in the C library of this test. */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "collect/allocator.h"
#include "collect/heap_files.h"

#define NONE (-1)

static void test_names(void **state)
{
	static const struct {
		const char *name;
		int global, local;
	} rows[] = {
		{"malloc", HEAP_MALLOC, NONE},
		{"calloc", HEAP_CALLOC, NONE},
		{"free", HEAP_FREE, NONE},
		{"posix_memalign", HEAP_POSIX_MEMALIGN, NONE},
		{"je_malloc", HEAP_MALLOC, HEAP_MALLOC},
		{"_rjem_sdallocx", HEAP_FREE, HEAP_FREE},
		{"_rjem_rallocx", HEAP_REALLOC, HEAP_REALLOC},
		{"mi_zalloc_aligned", HEAP_MALLOC, HEAP_MALLOC},
		{"zalloc_aligned", NONE, NONE},
		{"new", NONE, NONE},
		{"tc_new", HEAP_MALLOC, HEAP_MALLOC},
		{"_ZdaPvmSt11align_val_t", HEAP_FREE, HEAP_FREE},
		{"_ZnwmRKSt9nothrow_t", HEAP_MALLOC, HEAP_MALLOC},
		{"xmalloc", NONE, NONE},
		{"malloc_usable_size", NONE, NONE},
		{"", NONE, NONE},
	};
	enum heap_function function;
	bool is_operator;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int global = allocator__match(rows[i].name, false, &function, &is_operator)
				     ? (int)function
				     : NONE;
		int local = allocator__match(rows[i].name, true, &function, &is_operator)
				    ? (int)function
				    : NONE;

		if (global != rows[i].global || local != rows[i].local)
			fail_msg("%s: %d, local %d", rows[i].name, global, local);
	}
}

static int libc__open(struct dl_phdr_info *info, size_t size, void *arg)
{
	int *fd = arg;

	(void)size;
	if (*fd < 0 && strstr(info->dlpi_name, "libc.so"))
		*fd = open(info->dlpi_name, O_RDONLY | O_CLOEXEC);
	return 0;
}

static const struct allocator_function *find(const struct allocator *allocator, const char *name)
{
	uint32_t i;

	for (i = 0; i < allocator->cnt; i++)
		if (!strcmp(allocator->functions[i].name, name))
			return &allocator->functions[i];
	return NULL;
}

static void test_libc(void **state)
{
	static const char *const names[] = {
		"malloc", "calloc", "realloc", "free", "posix_memalign"};
	static struct allocator allocator;
	int fd = -1;
	size_t i;

	(void)state;
	dl_iterate_phdr(libc__open, &fd);
	assert_true(fd >= 0);
	assert_int_equal(allocator__read(fd, &allocator), 0);
	close(fd);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_non_null(find(&allocator, names[i]));
	/* reallocarray jumps to realloc, which sees all of its calls */
	assert_null(find(&allocator, "reallocarray"));
	assert_true(find(&allocator, "realloc")->nests);
	assert_false(find(&allocator, "malloc")->nests);
#if defined(__x86_64__)
	assert_true(find(&allocator, "malloc")->is_emulated);
	assert_true(find(&allocator, "free")->is_emulated);
#endif
}

static void test_no_allocator(void **state)
{
	static struct allocator allocator;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	/* under a sanitizer the test has an allocator of its own */
#if !defined(__SANITIZE_ADDRESS__)
	assert_int_equal(allocator__read(fd, &allocator), -ENOENT);
#endif
	close(fd);
	fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	assert_int_equal(allocator__read(fd, &allocator), -ENOEXEC);
	close(fd);
}

/* An inode's number is given again, and so is the device number of a container's file system. */
static void test_another_file_of_the_same_number(void **state)
{
	struct heap_files *files = heap_files__new(NULL);
	const struct heap_file *none, *libc;
	char path[] = "/tmp/bpfprof-heap-files-XXXXXX", buf[65536];
	int fd = mkstemp(path), libc_fd = -1;
	ssize_t n;

	(void)state;
	dl_iterate_phdr(libc__open, &libc_fd);
	assert_true(fd >= 0 && libc_fd >= 0 && files);
	assert_int_equal(write(fd, "no ELF file", 11), 11);
	none = heap_files__get(files, fd);
	assert_non_null(none);
	assert_null(none->allocator);
	assert_ptr_equal(heap_files__get(files, fd), none);
	usleep(50000); /* the clock of inodes ticks */
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	while ((n = read(libc_fd, buf, sizeof(buf))) > 0)
		assert_int_equal(write(fd, buf, (size_t)n), n);
	libc = heap_files__get(files, fd);
	assert_non_null(libc);
	assert_non_null(libc->allocator);
	assert_true(libc->fd >= 0);
	/* it is kept open: its number is its own, whatever changes */
	usleep(50000);
	assert_int_equal(fchmod(fd, 0600), 0);
	assert_ptr_equal(heap_files__get(files, fd), libc);
	heap_files__free(files);
	close(libc_fd);
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_libc),
		cmocka_unit_test(test_no_allocator),
		cmocka_unit_test(test_another_file_of_the_same_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
