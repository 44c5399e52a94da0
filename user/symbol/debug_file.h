/* SPDX-License-Identifier: GPL-2.0 */
/* A file's symbols and lines where distributions keep them: apart from it, or packed inside of
 * it. */
#ifndef SYMBOL_DEBUG_FILE_H
#define SYMBOL_DEBUG_FILE_H

#include <stddef.h>
#include <stdint.h>

struct elf_view;

/*
 * The separate debug file of an ELF file: by build id below debug_dir/.build-id, then by
 * .gnu_debuglink beside the file, in its .debug folder and below debug_dir (gdb's "Debugging
 * Information in Separate Files"). It is the right one when its build id is the same or, without
 * one, when its checksum is. path: the file's own, absolute, or NULL. A descriptor, -ENOENT,
 * -ENOMEM.
 */
int debug_file__open(const struct elf_view *view, const char *path, const char *debug_dir);

/* The debug file at path, if it is one of the ELF file in view by its build id. A descriptor, -ENOENT. */
int debug_file__open_path(const struct elf_view *view, const char *path);

/* The ELF file in .gnu_debugdata, unpacked and malloc'ed. -ENOENT: there is none; -EFBIG above
 * bytes_max; -EBADMSG: it is no xz stream; -ENOMEM. */
int debug_data__unpack(
	const struct elf_view *view, size_t bytes_max, void **ret, size_t *ret_bytes);

#endif
