/* SPDX-License-Identifier: GPL-2.0 */
/* One process whose allocators are probed. */
#ifndef COLLECT_HEAP_TARGET_H
#define COLLECT_HEAP_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "collect/heap_files.h"
#include "collect/uprobe.h"
#include "heap_maps.h"
#include "process/process.h"

#define HEAP_TARGET_FILES_MAX 16

enum heap_target_state {
	HEAP_TARGET_FREE = 0,
	HEAP_TARGET_LIVE,
	HEAP_TARGET_ENDED, /* unprobed; its last figures are not drained yet */
};

struct heap_target {
	enum heap_target_state state;
	uint32_t index; /* of the probes' cookies, and of the kernel's arrays */
	uint32_t pid;
	uint64_t start_ns;   /* of the process table */
	uint32_t change_cnt; /* of the process's rows, when they were looked at */
	uint64_t image_ns;
	char comm[TASK_COMM_BYTES + 1];
	struct uprobe_links frees, allocs; /* allocs: none while they are thinned out */
	const struct heap_file *files[HEAP_TARGET_FILES_MAX]; /* probed */
	uint32_t file_cnt;
	bool found;             /* an allocator, and told so */
	uint64_t usdt_image_ns; /* the image whose choice is_usdt is */
	bool is_usdt; /* it samples by itself: its statically defined probes are used, and no allocator's functions */
	bool told_none;
};

/* What the probes run. */
struct heap_programs {
	enum uprobe_kind kind;
	struct bpf_program *session; /* UPROBE_SESSION; else the two halves */
	struct bpf_program *enter;
	struct bpf_program *leave;
	struct bpf_program *free;
	struct bpf_program *usdt_alloc;
	struct bpf_program *usdt_free;
};

bool heap_target__has(const struct heap_target *target, const struct heap_file *file);
/* Probes the functions of file in the target, or its statically defined probes; those that allocate only if with_allocs. 0,
 * -EEXIST, or -errno. */
int heap_target__probe(struct heap_target *target, const struct heap_programs *programs,
	const struct heap_file *file, bool with_allocs);
/* Puts back the probes that heap_target__drop_allocs() took away. 0 or the first failure. */
int heap_target__add_allocs(struct heap_target *target, const struct heap_programs *programs);
void heap_target__drop_allocs(struct heap_target *target);
void heap_target__unprobe(struct heap_target *target);
/* Takes all probes away and starts anew with those of one kind. keep_frees: of what has been seen allocated so far the frees
 * are still wanted. */
void heap_target__use_usdt(struct heap_target *target, bool use_usdt, bool keep_frees);
/* Opens the very file that a process has mapped, a container's own for one. A descriptor or -errno, -ESTALE when its name leads
 * to another file now and the mapping itself may not be opened. */
int heap_target__open_mapping(const struct heap_target *target, const struct mapping_row *row);

#endif
