// SPDX-License-Identifier: GPL-2.0
/* The table of files: what is one file, what is none, and what is done about files that misbehave. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "bpfprof.h"
#include "process/elf_header.h"
#include "process/file.h"

static struct files *files;
static char dir[] = "/tmp/test_process_file.XXXXXX";

static int setup_group(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown_group(void **state)
{
	(void)state;
	return rmdir(dir);
}

static int setup(void **state)
{
	(void)state;
	files = files__new();
	return files ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	files__free(files);
	return 0;
}

static const char *path_of(const char *name)
{
	static char paths[4][512];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

/* A minimal ELF file: one executable PT_LOAD at file offset 0x1000, ELF address 0x401000, and a build id of one repeated
 * byte; 0: none. */
struct image {
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr[3];
	struct {
		Elf64_Nhdr nhdr;
		char name[4];
		unsigned char id[20];
	} note;
};

static struct image image_of(unsigned char build_id)
{
	struct image image = {
		.ehdr = {.e_type = ET_DYN,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_phoff = offsetof(struct image, phdr),
			.e_ehsize = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = build_id ? 3 : 2},
		.phdr = {{.p_type = PT_LOAD,
				 .p_flags = PF_R,
				 .p_filesz = 0x1000,
				 .p_memsz = 0x1000,
				 .p_vaddr = 0x400000},
			{.p_type = PT_LOAD,
				.p_flags = PF_R | PF_X,
				.p_offset = 0x1000,
				.p_vaddr = 0x401000,
				.p_filesz = 0x3000,
				.p_memsz = 0x3000},
			{.p_type = PT_NOTE,
				.p_offset = offsetof(struct image, note),
				.p_filesz = sizeof(image.note),
				.p_memsz = sizeof(image.note),
				.p_align = 4}},
		.note = {.nhdr = {.n_namesz = 4, .n_descsz = 20, .n_type = NT_GNU_BUILD_ID},
			.name = "GNU"},
	};

#if defined(__aarch64__)
	image.ehdr.e_machine = EM_AARCH64;
#endif
	memcpy(image.ehdr.e_ident, ELFMAG, SELFMAG);
	image.ehdr.e_ident[EI_CLASS] = ELFCLASS64;
	image.ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
	image.ehdr.e_ident[EI_VERSION] = EV_CURRENT;
	memset(image.note.id, build_id, sizeof(image.note.id));
	return image;
}

static const char *write_image(const char *name, const struct image *image)
{
	const char *path = path_of(name);
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0755);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, image, sizeof(*image)), sizeof(*image));
	assert_int_equal(ftruncate(fd, 0x4000), 0);
	close(fd);
	return path;
}

static const char *write_elf(const char *name, unsigned char build_id)
{
	struct image image = image_of(build_id);

	return write_image(name, &image);
}

/* As /proc/PID/maps names it. The mapping is at no address of ours, so the path is what is opened. */
static struct file_mapping by_inode(const char *path)
{
	struct file_mapping mapping = {
		.path = path, .pid = getpid(), .start = 0x1000, .end = 0x2000, .offset = 0x1000};
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	mapping.identity.dev = st.st_dev;
	mapping.identity.ino = st.st_ino;
	return mapping;
}

/* As a PERF_RECORD_MMAP2 with a build id names it. */
static struct file_mapping by_build_id(const char *path, unsigned char build_id)
{
	struct file_mapping mapping = {
		.path = path, .pid = getpid(), .start = 0x1000, .end = 0x2000, .offset = 0x1000};

	mapping.identity.build_id_len = 20;
	memset(mapping.identity.build_id, build_id, 20);
	return mapping;
}

static uint32_t intern(struct file_mapping mapping)
{
	return files__intern(files, &mapping);
}

static void build_id_and_inode_are_one_file(void **state)
{
	const char *path = write_elf("a", 0xaa);
	uint32_t id = intern(by_inode(path));
	const struct file *file = files__get(files, id);
	char hex[2 * BUILD_ID_BYTES_MAX + 1];

	(void)state;
	assert_int_equal(id, 1);
	assert_int_equal(intern(by_build_id(path, 0xaa)), id);
	assert_int_equal(intern(by_inode(path)), id);
	assert_int_equal(files__cnt(files), 1);
	assert_int_equal(file->kind, FILE_ELF);
	assert_string_equal(file->path, path);
	assert_int_equal(file->segment_cnt, 1);
	file__build_id_hex(file, hex);
	assert_string_equal(hex, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	unlink(path);
}

static void build_id_first_then_inode_is_one_file(void **state)
{
	const char *path = write_elf("a", 0xaa);
	uint32_t id = intern(by_build_id(path, 0xaa));

	(void)state;
	assert_int_not_equal(id, 0);
	assert_int_equal(intern(by_inode(path)), id);
	assert_int_equal(files__cnt(files), 1);
	unlink(path);
}

static void a_copy_is_the_same_file_and_another_build_is_not(void **state)
{
	const char *path = write_elf("a", 0xaa), *copy = write_elf("b", 0xaa),
		   *other = write_elf("c", 0xcc);
	uint32_t id = intern(by_inode(path));

	(void)state;
	assert_int_equal(intern(by_inode(copy)), id); /* containers: one library, many inodes */
	assert_int_not_equal(intern(by_inode(other)), id);
	unlink(path);
	unlink(copy);
	unlink(other);
}

static void without_build_id_the_inode_tells(void **state)
{
	const char *path = write_elf("a", 0), *other = write_elf("b", 0);
	uint32_t id = intern(by_inode(path));

	(void)state;
	assert_int_not_equal(id, 0);
	assert_int_equal(intern(by_inode(path)), id);
	assert_int_not_equal(intern(by_inode(other)), id);
	unlink(path);
	unlink(other);
}

/* The path was replaced between the mapping and our look at it. */
static void a_replaced_file_is_not_taken_for_the_one_mapped(void **state)
{
	const char *path = write_elf("a", 0xaa);
	struct file_mapping old = by_build_id(path, 0xaa);
	struct file_mapping new = by_build_id(path, 0xbb);
	const struct file *file;
	uint32_t old_id, new_id;

	(void)state;
	unlink(path);
	write_elf("a", 0xbb);
	old_id = intern(old);
	new_id = intern(new);
	assert_int_not_equal(old_id, new_id);
	file = files__get(files, old_id);
	assert_int_equal(file->kind, FILE_OTHER); /* known, but not to be read any more */
	assert_int_equal(file->identity.build_id[0], 0xaa);
	assert_true(files__fd(files, old_id) < 0);
	assert_int_equal(files__get(files, new_id)->kind, FILE_ELF);
	assert_true(files__fd(files, new_id) >= 0);
	unlink(path);
}

static void a_deleted_file_can_still_be_read(void **state)
{
	const char *path = write_elf("a", 0xaa);
	uint32_t id = intern(by_inode(path));
	struct elf_header header;

	(void)state;
	unlink(path);
	assert_int_equal(elf_header__read(files__fd(files, id), &header), 0);
	free(header.segments);
}

static void what_is_no_file_has_no_id(void **state)
{
	static const char *const names[] = {"", "//anon", "[heap]", "[stack]", "[vsyscall]",
		"[anon:x]", "/dev/zero", "/dev/shmem/x"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct file_mapping mapping = {
			.path = names[i], .pid = getpid(), .start = 0x1000, .end = 0x2000};

		assert_int_equal(intern(mapping), 0);
	}
	assert_int_equal(files__cnt(files), 0);
}

/* Opening a FIFO would wait for a writer, a device might do anything: none of them is opened. */
static void special_files_are_left_alone(void **state)
{
	const char *fifo = path_of("fifo"), *directory = path_of("directory"),
		   *device = path_of("device");
	struct file_mapping mapping;

	(void)state;
	alarm(10);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(intern(by_inode(fifo)), 0);
	assert_int_equal(mkdir(directory, 0700), 0);
	assert_int_equal(intern(by_inode(directory)), 0);
	mapping = by_inode("/dev/full");
	mapping.path = "/tmp/../dev/full";
	assert_int_equal(intern(mapping), 0);
	if (!geteuid() && !mknod(device, S_IFCHR | 0600, makedev(1, 3))) {
		assert_int_equal(intern(by_inode(device)), 0);
		unlink(device);
	}
	unlink(fifo);
	rmdir(directory);
	alarm(0);
}

static void what_is_no_elf_file_stays_raw(void **state)
{
	static const char text[] = "#!/bin/sh\n";
	const char *script = path_of("script"), *empty = path_of("empty"), *cut = path_of("cut");
	struct image image = image_of(0xaa);
	int fd;

	(void)state;
	fd = open(script, O_CREAT | O_WRONLY, 0755);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(intern(by_inode(script)), 0);
	assert_int_equal(intern(by_inode(script)), 0);
	close(open(empty, O_CREAT | O_WRONLY, 0755));
	assert_int_equal(intern(by_inode(empty)), 0);
	/* the header says there are program headers, the file ends before them */
	fd = open(cut, O_CREAT | O_WRONLY, 0755);
	assert_int_equal(write(fd, &image, sizeof(image.ehdr)), sizeof(image.ehdr));
	close(fd);
	intern(by_inode(cut));
	unlink(script);
	unlink(empty);
	unlink(cut);
}

static void elf_files_for_others_stay_raw(void **state)
{
	struct image image;
	const char *path;

	(void)state;
	image = image_of(0xaa);
	image.ehdr.e_machine = EM_PPC64;
	path = write_image("ppc", &image);
	assert_int_equal(intern(by_inode(path)), 0);
	unlink(path);
	image = image_of(0xaa);
	image.ehdr.e_ident[EI_CLASS] = ELFCLASS32;
	path = write_image("elf32", &image);
	assert_int_equal(intern(by_inode(path)), 0);
	unlink(path);
	image = image_of(0xaa);
	image.ehdr.e_type = ET_REL;
	path = write_image("object", &image);
	assert_int_equal(intern(by_inode(path)), 0);
	unlink(path);
	image = image_of(0xaa);
	image.ehdr.e_ident[EI_DATA] = ELFDATA2MSB;
	path = write_image("big", &image);
	intern(by_inode(path));
	unlink(path);
}

/* A file that shrinks after it was opened gives errors, never a SIGBUS. */
static void a_file_that_shrinks(void **state)
{
	const char *path = write_elf("a", 0xaa);
	uint32_t id = intern(by_inode(path));
	struct elf_header header;

	(void)state;
	assert_int_equal(truncate(path, 100), 0);
	assert_true(elf_header__read(files__fd(files, id), &header) < 0);
	assert_int_equal(truncate(path, 0), 0);
	assert_true(elf_header__read(files__fd(files, id), &header) < 0);
	unlink(path);
}

static void damaged_headers_do_not_crash(void **state)
{
	unsigned int seed = 5;
	int i, j, fd;
	const char *path = path_of("damaged");

	(void)state;
	fd = open(path, O_CREAT | O_RDWR, 0755);
	assert_true(fd >= 0);
	for (i = 0; i < 20000; i++) {
		struct image image = image_of(0xaa);
		struct elf_header header;

		for (j = rand_r(&seed) % 6; j >= 0; j--)
			((unsigned char *)&image)[(size_t)rand_r(&seed) % sizeof(image)] =
				rand_r(&seed) % 3 ? (unsigned char)rand_r(&seed) : 0xff;
		assert_int_equal(pwrite(fd, &image, sizeof(image), 0), sizeof(image));
		if (!elf_header__read(fd, &header)) {
			assert_true(header.build_id_len <= BUILD_ID_BYTES_MAX);
			free(header.segments);
		}
		if (!elf_header__read_image(&image, sizeof(image), &header))
			free(header.segments);
	}
	close(fd);
	unlink(path);
}

static void bias_makes_elf_addresses(void **state)
{
	static const struct file_segment segments[] = {
		{.offset = 0x1000, .vaddr = 0x401000, .file_bytes = 0x3000, .mem_bytes = 0x3000},
		{.offset = 0x4500, .vaddr = 0x605500, .file_bytes = 0x800, .mem_bytes = 0x800},
	};
	struct file file = {.segments = (struct file_segment *)segments, .segment_cnt = 2};

	(void)state;
	assert_int_equal(0x7f0000001010 - file__bias(&file, 0x7f0000001000, 0x1000), 0x401010);
	/* the second half of a mapping that was split */
	assert_int_equal(0x7f0000003010 - file__bias(&file, 0x7f0000003000, 0x3000), 0x403010);
	/* a segment that does not begin at a page's start is mapped from the page's start */
	assert_int_equal(0x7f0000009510 - file__bias(&file, 0x7f0000009000, 0x4000), 0x605510);
	file.segment_cnt = 0;
	assert_int_equal(0x7f0000001010 - file__bias(&file, 0x7f0000001000, 0x1000), 0x1010);
}

static int open_descriptors(void)
{
	int fd, cnt = 0;

	for (fd = 0; fd < 1024; fd++)
		cnt += fcntl(fd, F_GETFD) >= 0;
	return cnt;
}

/* Half of RLIMIT_NOFILE at the most; the rest is opened again when it is asked for, and is not kept either. */
static void descriptors_are_capped(void **state)
{
	enum { CNT = 120, LIMIT = 64 };
	struct rlimit old, limit;
	uint32_t ids[CNT];
	char name[32];
	int i, round, before = open_descriptors(), most = 0;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &old);
	limit = old;
	limit.rlim_cur = LIMIT;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	files__free(files);
	files = files__new();
	for (i = 0; i < CNT; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		ids[i] = intern(by_inode(write_elf(name, (unsigned char)(i + 1))));
		assert_int_not_equal(ids[i], 0);
		assert_in_range(open_descriptors(), 0, before + LIMIT / 2);
	}
	for (round = 0; round < 2; round++) {
		for (i = 0; i < CNT; i++) {
			struct stat st;
			int fd = files__fd(files, ids[i]);

			if (fd < 0)
				fail_msg("file %d of %d: %s", i, CNT, strerror(-fd));
			assert_int_equal(fstat(fd, &st), 0);
			if (open_descriptors() > most)
				most = open_descriptors();
		}
	}
	print_message("%d files, limit %d: at most %d descriptors of ours open\n", CNT, LIMIT,
		most - before);
	assert_in_range(most, 0, before + LIMIT / 2);
	setrlimit(RLIMIT_NOFILE, &old);
	for (i = 0; i < CNT; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		unlink(path_of(name));
	}
}

static void the_vdso_is_one_file(void **state)
{
	struct file_mapping mapping = {
		.path = "[vdso]", .pid = getpid(), .start = 0x7fff00000000, .end = 0x7fff00002000};
	uint32_t id = intern(mapping);

	(void)state;
	if (!id)
		skip();
	mapping.pid = 1;
	mapping.start += 0x10000;
	assert_int_equal(intern(mapping), id);
	assert_int_equal(files__get(files, id)->kind, FILE_VDSO);
	assert_true(files__get(files, id)->segment_cnt > 0);
	assert_true(files__fd(files, id) < 0);
}

static void ids_that_do_not_exist(void **state)
{
	(void)state;
	assert_null(files__get(files, 0));
	assert_null(files__get(files, 1));
	assert_null(files__get(files, UINT32_MAX));
	assert_int_equal(files__fd(files, 0), -ENOENT);
	assert_int_equal(files__fd(files, 9), -ENOENT);
}

#define S 1000000000ull

/* Who deploys ten times a day does not run out of disk, and a window that saw a file names it. */
static void what_nobody_maps_is_let_go(void **state)
{
	const char *path = write_elf("a", 0xaa), *other = write_elf("b", 0xbb);
	uint32_t id = intern(by_build_id(path, 0xaa)), kept = intern(by_build_id(other, 0xbb));
	bool is_mapped[3] = {false, false, true};

	(void)state;
	unlink(path);
	files__release(files, is_mapped, 100 * S, 100 * S);
	assert_true(files__get(files, id)->fd >= 0); /* unmapped since just now */
	files__release(files, is_mapped, 130 * S, 90 * S);
	assert_true(files__get(files, id)->fd >= 0); /* a window began before that */
	is_mapped[id] = true;
	files__release(files, is_mapped, 160 * S, 160 * S);
	is_mapped[id] = false;
	files__release(files, is_mapped, 190 * S, 190 * S);
	assert_true(files__get(files, id)->fd >= 0); /* mapped again meanwhile */
	files__release(files, is_mapped, 220 * S, 220 * S);
	assert_int_equal(files__get(files, id)->fd, -1);
	assert_true(files__fd(files, id) < 0); /* deleted, and gone */
	assert_true(files__get(files, kept)->fd >= 0);
	/* the same build somewhere else is the same file, and can be read again */
	path = write_elf("c", 0xaa);
	assert_int_equal(intern(by_build_id(path, 0xaa)), id);
	assert_true(files__fd(files, id) >= 0);
	unlink(path);
	/* a profile that is kept for long does not hold it for ever */
	files__release(files, is_mapped, 300 * S, 0);
	files__release(files, is_mapped, 900 * S, 0);
	assert_true(files__get(files, id)->fd >= 0);
	files__release(files, is_mapped, 961 * S, 0);
	assert_int_equal(files__get(files, id)->fd, -1);
	unlink(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(build_id_and_inode_are_one_file),
		TEST(build_id_first_then_inode_is_one_file),
		TEST(a_copy_is_the_same_file_and_another_build_is_not),
		TEST(without_build_id_the_inode_tells),
		TEST(a_replaced_file_is_not_taken_for_the_one_mapped),
		TEST(a_deleted_file_can_still_be_read),
		TEST(what_is_no_file_has_no_id),
		TEST(special_files_are_left_alone),
		TEST(what_is_no_elf_file_stays_raw),
		TEST(elf_files_for_others_stay_raw),
		TEST(a_file_that_shrinks),
		TEST(damaged_headers_do_not_crash),
		TEST(bias_makes_elf_addresses),
		TEST(descriptors_are_capped),
		TEST(what_nobody_maps_is_let_go),
		TEST(the_vdso_is_one_file),
		TEST(ids_that_do_not_exist),
	};

	return cmocka_run_group_tests_name("process_file", tests, setup_group, teardown_group);
}
