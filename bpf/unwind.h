/* SPDX-License-Identifier: GPL-2.0 */
/* Where the stack walk finds the unwind rows of a file: written by the daemon, read in place by BPF. */
#ifndef BPFPROF_UNWIND_H
#define BPFPROF_UNWIND_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#include "unwind_rule.h"

enum unwind_state {
	UNWIND_NEW = 0,       /* not seen on a stack yet */
	UNWIND_WANTED,        /* the daemon has been asked for its table */
	UNWIND_READY,         /* its rows are in place */
	UNWIND_FRAME_POINTER, /* it has no CFI at all: frame pointers are all there is */
	UNWIND_REFUSED,       /* unreadable, damaged, or no room for its rows */
};

/* One file, by its id. */
struct unwind_file {
	__u32 state;        /* enum unwind_state */
	__u32 first_number; /* of its first page: ELF address >> UNWIND_PAGE_SHIFT */
	__u32 first_page;   /* index into unwind_pages; its pages are without gaps from there */
	__u32 page_cnt;
	__u32 referenced; /* set by BPF on use, cleared by the daemon: least recently used goes first */
	__u32 keeps_frame_pointers; /* code without rows does: Go */
};
_Static_assert(sizeof(struct unwind_file) == 24, "no hidden padding");

/* 64 KiB of a file's addresses. */
struct unwind_page_rows {
	__u32 row; /* UNWIND_CHUNK_ROWS * chunk + index in the chunk; a page's rows are in one chunk */
	__u32 cnt; /* 0: no code in this page */
};

/* Rows lie in chunks, maps that are made when they are needed. An array's elements are rounded up to 8 bytes, so rows are
 * put together in blocks. */
#define UNWIND_BLOCK_ROWS   64
#define UNWIND_CHUNK_BLOCKS 1024
#define UNWIND_CHUNK_ROWS   (UNWIND_BLOCK_ROWS * UNWIND_CHUNK_BLOCKS)
struct unwind_block {
	struct unwind_row rows[UNWIND_BLOCK_ROWS];
};

/* A record of the stack ring that asks for a file's table; told from a stack by its size. */
struct unwind_request {
	__u32 file_id;
	__u32 pad;
};

#endif
