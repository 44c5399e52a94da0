// SPDX-License-Identifier: GPL-2.0
/* ELF headers that name more than there is. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "process/elf_check.h"

/* A header, and a first section header that says how many there are; the file is sparse. */
static int file_of(uint64_t section_cnt, uint16_t program_header_cnt)
{
	Elf64_Ehdr header = {.e_type = ET_DYN,
		.e_shoff = sizeof(header),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_phnum = program_header_cnt};
	Elf64_Shdr first = {.sh_size = section_cnt};
	int fd = memfd_create("elf", MFD_CLOEXEC);

	memcpy(header.e_ident, ELFMAG, SELFMAG);
	header.e_ident[EI_CLASS] = ELFCLASS64;
	header.e_ident[EI_DATA] = ELFDATA2LSB;
	assert_int_equal(write(fd, &header, sizeof(header)), sizeof(header));
	assert_int_equal(write(fd, &first, sizeof(first)), sizeof(first));
	return fd;
}

static void check(int fd, int expected)
{
	assert_true(fd >= 0);
	assert_int_equal(elf_check__fd(fd), expected);
	close(fd);
}

static void sections_and_segments_are_counted(void **state)
{
	int fd;

	(void)state;
	check(file_of(3, 3), 0);
	check(file_of(0, 0), 0);
	check(file_of(100000000, 3), -ENOEXEC);
	check(file_of(UINT64_MAX, 3), -ENOEXEC);
	check(file_of(3, PN_XNUM), -ENOEXEC);
	fd = file_of(100000000, 3);
	assert_int_equal(ftruncate(fd, 1ll << 40), 0);
	check(fd, -ENOEXEC);
}

static void what_is_no_elf_file(void **state)
{
	int fd = file_of(3, 3);

	(void)state;
	assert_int_equal(ftruncate(fd, 63), 0);
	check(fd, -ENOEXEC);
	check(open("/etc/passwd", O_RDONLY | O_CLOEXEC), -ENOEXEC);
	check(open("/proc", O_RDONLY | O_CLOEXEC), -EIO);
	check(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_and_segments_are_counted),
		cmocka_unit_test(what_is_no_elf_file),
	};

	return cmocka_run_group_tests_name("process_elf_check", tests, NULL, NULL);
}
