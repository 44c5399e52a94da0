/* SPDX-License-Identifier: GPL-2.0 */
/* Which processes exist and what they map, now and for as long as undrained samples may refer to them. */
#ifndef PROCESS_PROCESS_H
#define PROCESS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uthash.h>

#include "bpfprof.h"
#include "process/file.h"

/* What a process executes between two execs. Rows are sorted and do not overlap. */
struct image {
	uint64_t from_ns; /* CLOCK_BOOTTIME of the exec, or of the start */
	struct mapping_row *rows;
	uint32_t row_cnt;
	uint32_t row_front;    /* free places before rows[0] */
	uint32_t row_capacity; /* with these and those behind */
	uint32_t *
		row_owner_cnt; /* of the rows: a child has its parent's until one of them changes; NULL: one */
	uint32_t rows_checked_cnt; /* of the last read of /proc because they had become many */
	uint64_t start_stack;      /* mm->start_stack and mm->end_code; 0: not read yet */
	uint64_t end_code;
	struct image *older;
};

struct proc_mapping;

struct process {
	uint32_t pid;
	uint64_t
		start_ns; /* CLOCK_BOOTTIME; no earlier than the kernel's start_boottime of this process */
	uint64_t scan_ns; /* /proc was read then: events before are already in it */
	bool is_expected; /* by the pass over /proc that is under way */
	uint64_t end_ns;  /* 0: alive */
	bool leader_exited;
	bool is_unpublished; /* counted as one without room in the kernel */
	bool is_dirty;       /* rows changed since they were published */
	uint32_t change_cnt; /* of the rows */
	bool is_listed;      /* on the list of processes that publisher__flush() looks at */
	struct process *next_listed;
	bool is_reread_wanted; /* on the list of those whose mappings are to be read anew */
	struct process *next_reread;
	uint32_t slice; /* 1 + index into the kernel's slices; 0: not published */
	uint32_t published_first, published_cnt; /* rows in the kernel */
	uint32_t written_epoch, written_cnt;     /* rows written to the kernel in that epoch */
	struct image *image;                     /* newest; never NULL */
	struct process *older;                   /* earlier owner of the pid */
	UT_hash_handle hh;
};

struct processes {
	struct process *by_pid; /* uthash; the newest owner of each pid */
	struct files *files;
	bool track_all;
	bool follow_children;
	struct process *listed;    /* to be published, linked by next_listed */
	uint64_t rows_dropped_cnt; /* mappings past PROC_MAPS_MAX of one process */
	struct process *rereads;   /* to be read anew, linked by next_reread: see reread.h */
	struct reread *reread;     /* under way */
	uint64_t reread_ns, reread_took_ns; /* the end of the last one, and how long it took */
};

/* track_all: the whole host; else only what processes__track() names, and with follow_children what they fork. */
struct processes *processes__new(struct files *files, bool track_all, bool follow_children);
void processes__free(struct processes *processes);

/* Reads one process from /proc; scan.h reads all. now_ns: CLOCK_BOOTTIME before the call. 0, -ESRCH, -ENOMEM. */
int processes__scan(struct processes *processes, uint32_t pid, uint64_t now_ns);

/* The same for the loop, which has other things to do: of a process with very many mappings the rest is read by
 * rereads__step(). */
int processes__scan_shortly(struct processes *processes, uint32_t pid, uint64_t now_ns);

struct process *processes__find(const struct processes *processes, uint32_t pid);
/* The owner of pid that started no later than start_ns (of a sample's key); alive or not. */
struct process *processes__find_started(
	const struct processes *processes, uint32_t pid, uint64_t start_ns);
uint32_t processes__cnt(const struct processes *processes);

/* What the kernel reported, in the order of its times. */
void processes__on_fork(
	struct processes *processes, uint32_t pid, uint32_t parent_pid, uint64_t time_ns);
void processes__on_exec(struct processes *processes, uint32_t pid, uint64_t time_ns);
void processes__on_mmap(
	struct processes *processes, const struct file_mapping *mapping, uint64_t time_ns);
void processes__on_exit(struct processes *processes, uint32_t pid, uint32_t tid, uint64_t time_ns);

/* Puts process on the list of those to be published. */
void processes__list(struct processes *processes, struct process *process);
/* Its rows are other ones now. */
void processes__changed(struct processes *processes, struct process *process);
/* The image that process executed at time_ns; the oldest one known when it is older than that. */
const struct image *process__image_at(const struct process *process, uint64_t time_ns);
/* What executes from from_ns on; older: what did before, or NULL. NULL: out of memory. */
struct image *image__new(uint64_t from_ns, struct image *older);
void image__free_chain(struct image *image); /* with those before it; accepts NULL */
const struct mapping_row *image__find(const struct image *image, uint64_t addr);
/* into, which has none, gets from's rows without a copy. 0 or -ENOMEM. */
int image__share_rows(struct image *from, struct image *into);
/* The same, and from's are no longer its own. */
void image__take_rows(struct image *image, const struct image *from);
void image__free_rows(struct image *image);
/* Adds a mapping: what it overlaps is cut away. 0, -ENOMEM, -E2BIG when there may be no room for IMAGE_ROWS_SPARE more. */
#define IMAGE_ROWS_SPARE 2u
int image__map(struct image *image, const struct mapping_row *row);
/* The row of a mapping, as an event or as /proc of process pid tells it; its file is known afterwards. */
struct mapping_row files__row(struct files *files, const struct file_mapping *mapping);
struct mapping_row files__row_of(
	struct files *files, uint32_t pid, const struct proc_mapping *mapping);

/* Sets is_mapped[id] of each file that a row refers to, of processes that ended too while they are kept. */
void processes__mark_files(const struct processes *processes, bool *is_mapped, uint32_t file_cnt);

/* Frees what ended before before_ns: exited processes and images that an exec replaced. Exited processes are handed to
 * drop first. */
void processes__forget(struct processes *processes, uint64_t before_ns, uint64_t now_ns,
	void (*drop)(struct process *, void *), void *arg);

#endif
