/* SPDX-License-Identifier: GPL-2.0 */
/* What has to be known of an ELF file before libelf sees it. */
#ifndef PROCESS_ELF_CHECK_H
#define PROCESS_ELF_CHECK_H

#define ELF_PROGRAM_HEADERS_MAX 1024

/*
 * libelf allocates room for as many sections as the header names, and a sparse file is as large as it likes to be: a forged one
 * would cost gigabytes. 0; -ENOEXEC: no 64-bit ELF file, or one of more headers than programs have; -EIO.
 */
int elf_check__fd(int fd);

#endif
