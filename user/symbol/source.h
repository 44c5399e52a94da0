/* SPDX-License-Identifier: GPL-2.0 */
/* What a source of names is given, and how it answers: the extension point of this folder. */
#ifndef SYMBOL_SOURCE_H
#define SYMBOL_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "symbol/symbols.h"

struct file;
struct symbol_memory;

enum symbol_batch_kind {
	SYMBOL_BATCH_KERNEL,
	SYMBOL_BATCH_FILE, /* addresses of one file */
	SYMBOL_BATCH_RAW,  /* addresses of processes */
};

/* Locations that are looked up together, by address ascending. A source may change their lines,
 * and their mapping when it knows a better one. */
struct symbol_batch {
	enum symbol_batch_kind kind;
	struct symbol_location *locations;
	size_t cnt;
	const struct file *file; /* SYMBOL_BATCH_FILE */
	int fd;                  /* to pread() file from; -1: it is an image in memory */
	bool debug_sought;
	int debug_fd; /* once sought: the separate debug file; -1: there is none */
	const struct symbols_options *options; /* with the defaults filled in */
	struct symbols *symbols;
};

/*
 * A source looks at the locations without lines (or whose lines it makes richer) and sets what it
 * knows. It returns 0 also when it knows nothing; -errno when the batch could not be read at all.
 */
struct symbol_source {
	const char *name;
	enum symbol_batch_kind kind;
	int (*resolve)(struct symbol_batch *batch);
};

extern const struct symbol_source symbol_source_kallsyms;
extern const struct symbol_source symbol_source_perf_map;
extern const struct symbol_source symbol_source_gopclntab;
extern const struct symbol_source symbol_source_elf;
extern const struct symbol_source symbol_source_dwarf;
extern const struct symbol_source symbol_source_eh_frame_hdr;

struct files;

/* Asks all sources for what the cache does not know, and puts that there. *failed_cnt counts a file that could not be
 * read whole. 0, -ENOMEM. */
int symbol_batch__resolve(
	struct symbol_batch *batch, const struct files *files, unsigned int *failed_cnt);

struct elf_view;

/* The file of a SYMBOL_BATCH_FILE; as elf_view__open(). */
int symbol_batch__open(const struct symbol_batch *batch, struct elf_view *view);
/* The separate debug file of the file, whose view this is, looked for once. Borrowed; -1: there is none. */
int symbol_batch__debug_fd(struct symbol_batch *batch, const struct elf_view *view);

/* A location's lines become a copy of lines[cnt], whose strings are interned already. 0,
 * -ENOMEM. */
int symbol_batch__set_lines(struct symbol_batch *batch, struct symbol_location *location,
	const struct symbol_line *lines, uint32_t cnt);
/* One line without file and line number: function is name demangled, where it is mangled. */
int symbol_batch__set_name(struct symbol_batch *batch, struct symbol_location *location,
	const char *name, size_t name_len);
/* Fills function and system_name of line from a name of a symbol table. 0, -ENOMEM. */
int symbol_batch__fill_names(
	struct symbol_batch *batch, struct symbol_line *line, const char *name, size_t name_len);

#endif
