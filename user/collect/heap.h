/* SPDX-License-Identifier: GPL-2.0 */
/* The heap profile's figures, and what only its collector can do. */
#ifndef COLLECT_HEAP_H
#define COLLECT_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpfprof.h"

struct collector;
struct processes;

/* Of one process since it was probed. Calls and requested bytes are exact, but of a process that samples by itself; what is
 * in use is estimated from samples. */
struct heap_figures {
	uint32_t pid;
	char comm[TASK_COMM_BYTES + 1];
	uint64_t start_ns;                    /* of the process, CLOCK_BOOTTIME */
	uint64_t alloc_cnt, free_cnt;         /* calls */
	uint64_t alloc_bytes;                 /* asked for */
	uint64_t alloc_hit_cnt, free_hit_cnt; /* of probes */
	int64_t in_use_bytes;
	int64_t in_use_objects;
	int64_t peak_bytes; /* since the last read with want_peak */
};

#define HEAP_NOTE_BYTES_MAX 512
enum heap_note_level { HEAP_NOTE_DEBUG, HEAP_NOTE_INFO, HEAP_NOTE_WARN };

/* Probes processes that are new in the table, and files that they have mapped since; lets go of those that ended. */
void heap__follow(struct collector *heap, const struct processes *processes);
/* Probes, in process pid, an executable that it has not mapped yet: nothing that it allocates is missed. */
void heap__expect(struct collector *heap, pid_t pid, const char *path);
/* The next line that the front door should print, oldest first; false: there is none. */
bool heap__take_note(
	struct collector *heap, enum heap_note_level *ret_level, char ret[HEAP_NOTE_BYTES_MAX]);
/* What was probed, oldest first: process, file, functions and sites in words; NULL past the last one. */
const char *heap__attached(const struct collector *heap, uint32_t index);
/* Of these, how many are not kept. */
uint32_t heap__attached_more_cnt(const struct collector *heap);
/* Figures of the index-th process, from 0 on; false past the last one. take_peak starts the next interval's. */
bool heap__figures(struct collector *heap, size_t index, bool take_peak, struct heap_figures *ret);
/* All that ever was, ended ones too. peak_bytes: the sum's, as seen at the drains. */
void heap__total(struct collector *heap, struct heap_figures *ret);
/* Once an interval: keeps the probes' cost, and own_ns (CPU time of the daemon so far), below max_ppm of one CPU. 1,000,000: as
 * it comes. */
void heap__guard(struct collector *heap, uint32_t max_ppm, uint64_t own_ns);
/* In the whole host's mode no process is probed but those wanted, at the next heap__follow(); as often as it was wanted it has
 * to be given up. */
int heap__want(struct collector *heap, uint32_t pid);
void heap__unwant(struct collector *heap, uint32_t pid);
/* The index-th, from 0 on, of the lines that a reader of the profile of process pid (0: of all) has to know: why there is less in
 * it than there was, or nothing. Each begins with "heap: ". False past the last one. */
bool heap__remark(const struct collector *heap, uint32_t pid, size_t index, char *ret, size_t size);
/* A frame of a stack lies in a function of an allocator that was found. */
bool heap__has_frame(const struct collector *heap, uint64_t frame);

#endif
