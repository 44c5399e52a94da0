/* SPDX-License-Identifier: GPL-2.0 */
/* Names for the frames of a profile: the one thing that outputs ask of this folder. */
#ifndef SYMBOL_SYMBOLS_H
#define SYMBOL_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct profile;
struct files;
struct symbol_memory;
struct symbol_cache;
struct debuginfod;
struct perf_maps;

/*
 * One source line of a location; the first is the innermost inlined call, the last the function
 * itself. All strings are valid UTF-8 without control characters, and equal strings are the same
 * pointer: an output may tell functions apart by comparing pointers.
 */
struct symbol_line {
	const char *function;    /* demangled; never NULL */
	const char *system_name; /* as in the symbol table, without its version; never NULL */
	const char *file;        /* NULL: not known */
	uint32_t line;           /* 0: not known */
	uint32_t start_line;     /* of the function; 0: not known */
};

/* What a mapping of the pprof file is made of: a file's executable segment, the kernel, or nothing
 * known. A kernel module is a mapping of its own, "[nf_conntrack]", as in perf. */
struct symbol_mapping {
	const char *path;     /* as the process sees it; "[kernel.kallsyms]", "[vdso]", "//anon" */
	const char *build_id; /* hex; "" when there is none */
	uint64_t start;       /* ELF addresses: p_vaddr of the segment, page aligned down */
	uint64_t limit;
	uint64_t offset; /* p_offset, page aligned down */
	/* true when it holds for every location of the mapping, as in Go's runtime/pprof */
	bool has_functions, has_filenames, has_line_numbers, has_inline_frames;
};

/* A frame with its names. Frames of user space that stayed raw differ per process; all others do
 * not. */
struct symbol_location {
	uint64_t frame; /* bpfprof.h: FRAME_* */
	uint32_t pid;   /* 0 unless the frame is raw */
	uint64_t start_ns;
	uint64_t address; /* to write: ELF address, kernel address or raw address */
	uint64_t
		function_start; /* where the function around address begins, if it has no name; 0: not known */
	uint32_t mapping;  /* index into mappings; UINT32_MAX: none */
	uint32_t line_cnt; /* 0: no name known; print "[libfoo.so+0x1234]" */
	const struct symbol_line *lines;
};

struct symbols {
	struct symbol_mapping *mappings;
	size_t mapping_cnt;
	struct symbol_location *locations; /* sorted by (frame, pid, start_ns) */
	size_t location_cnt;
	const char *kernel_reason; /* why kernel frames have no names; NULL: they have */
	/* private */
	struct symbol_memory *memory; /* of every string and line */
};

/* Zeroes are the defaults. */
struct symbols_options {
	size_t file_bytes_max;     /* of one ELF section that is read whole; 64 MiB */
	const char *kallsyms_path; /* /proc/kallsyms */
	const char *debug_dir;     /* /usr/lib/debug */
	const char *proc_dir; /* /proc: where the perf maps of raw frames' processes are found */
	const struct perf_maps *perf_maps; /* NULL: none was kept open */
	size_t dwarf_bytes_max;        /* of a file whose lines are read; SIZE_MAX: none; 1 GiB */
	unsigned int dwarf_ms_max;     /* that one file's lines may take; 10,000 */
	bool without_kernel;           /* frames of the kernel are not shown: they get no names */
	struct symbol_cache *cache;    /* NULL: nothing is remembered from one call to the next */
	struct debuginfod *debuginfod; /* NULL: no server is asked for debug files */
};

/* Looks up every frame of every sample of profile. -errno when nothing could be done; a file that
 * cannot be read leaves its frames without names and is counted in *ret_failed_cnt. */
int symbols__resolve(const struct profile *profile, const struct files *files,
	const struct symbols_options *options, struct symbols **ret, unsigned int *ret_failed_cnt);
/* The location of a frame, by binary search; NULL when it was not asked for. pid and start_ns are
 * the sample's: they count only when the frame is raw. */
const struct symbol_location *symbols__find(
	const struct symbols *symbols, uint64_t frame, uint32_t pid, uint64_t start_ns);
/* "name", or "[libfoo.so+0x1234]" / "[0x7f..]" into buf when it has none. Never empty. */
const char *symbol_location__name(const struct symbols *symbols,
	const struct symbol_location *location, char *buf, size_t buf_bytes);
void symbols__free(struct symbols *symbols);

#endif
