/* SPDX-License-Identifier: GPL-2.0 */
/* The inside of the heap collector, for its own files alone. */
#ifndef COLLECT_HEAP_PRIVATE_H
#define COLLECT_HEAP_PRIVATE_H

#include "collect/heap.h"
#include "collect/heap_guard.h"
#include "collect/heap_tables.h"
#include "collect/heap_target.h"

#define HEAP_NOTES_MAX 32

struct heap_note {
	enum heap_note_level level;
	char text[HEAP_NOTE_BYTES_MAX];
};

struct heap_file_id {
	uint32_t id;
	const struct allocator *allocator;
};

struct collector {
	struct shared *shared;
	struct heap_bpf *bpf;
	void *memory[3];
	size_t memory_bytes[3];
	struct heap_programs programs;
	struct heap_tables tables;
	struct heap_files *files;
	struct heap_usdt_table *usdts; /* NULL: none are looked for */
	struct heap_target *targets;   /* HEAP_PROCESSES_MAX */
	uint32_t target_end;           /* past the last one that was ever used */
	bool has_followed;             /* processes that were asked for have been looked at */
	bool told_full;
	uint64_t unfollowed_cnt; /* sampled objects that found no room, as of the last drain */
	struct heap_guard guard;
	uint32_t *wanted; /* of the whole host's mode */
	uint32_t wanted_cnt;
	struct heap_file_id *file_ids; /* files with an allocator as frames name them */
	uint32_t file_id_cnt;
	struct heap_hits *hits; /* of one process, by CPU: a buffer */
	/* What processes that ended leave in the totals. */
	struct heap_figures ended;
	int64_t peak_bytes; /* of the sum */
	struct heap_note notes[HEAP_NOTES_MAX];
	uint32_t note_first, note_cnt;
	char **attached; /* texts: what was probed */
	uint32_t attached_cnt;
	uint32_t attached_more_cnt; /* that are not kept */
};

void heap__note(struct collector *heap, enum heap_note_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Tells that the functions of file, which the target has mapped as path, are probed. */
void heap__tell_probed(struct collector *heap, const struct heap_target *target,
	const struct heap_file *file, const char *path);
void heap__free_attached(struct collector *heap);
/* Adds the figures of an ended process to the totals; its index is about to be used again. */
void heap__keep_ended(
	struct collector *heap, const struct heap_target *target, const struct heap_sums *sums);
/* Tells the first time that objects found no room in the table of live ones. */
void heap__watch_room(struct collector *heap);
void heap__read_hits(struct collector *heap, uint32_t index, struct heap_figures *figures);
void heap__update_peak(struct collector *heap, const struct heap_sums *sums);

#endif
