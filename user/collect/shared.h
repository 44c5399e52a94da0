/* SPDX-License-Identifier: GPL-2.0 */
/* What all BPF objects have in common: options, the maps that they share, epochs, counters. */
#ifndef COLLECT_SHARED_H
#define COLLECT_SHARED_H

#include <stdbool.h>
#include <stdint.h>
#include <bpf/libbpf.h>

#include "control.h"
#include "counters.h"

/* Sizes of maps; 0: the default for this host. Small ones are for tests of what happens when they are full. */
struct shared_sizes {
	uint32_t ring_bytes;
	uint32_t samples_max; /* distinct keys of one epoch */
	uint32_t stacks_max;  /* hashes that the kernel remembers as sent */
	uint32_t processes_max;
	uint32_t mapping_rows_max;
	uint32_t unwind_chunks_max; /* of 256 KiB */
	uint32_t heap_objects_max;
	uint32_t heap_sites_max;
	uint32_t uprobe_kind; /* enum uprobe_kind: no better one is used */
	uint32_t
		heap_thin; /* not 0: the heap's probes are thinned out so far, whatever they cost */
};

struct shared;

/* A program or a map of a loaded object, for --stats. */
struct shared_program {
	const char *name;
	uint64_t run_cnt;
	uint64_t run_time_ns;
};

struct shared_map {
	const char *name;
	uint64_t bytes; /* locked memory */
};

/* options: rodata of every object; hash_seed, pidns_* and cpu_cnt are filled in here. */
int shared__new(
	const struct prog_options *options, const struct shared_sizes *sizes, struct shared **ret);
void shared__free(struct shared *shared);

/* Loads an opened skeleton's object: its `options` are set, its maps sized, and those that another object made are put in
 * place. It is told in --stats until shared__remove(). 0 or -errno. */
int shared__load(struct shared *shared, struct bpf_object_skeleton *skeleton);
void shared__remove(struct shared *shared, struct bpf_object *object);

const struct prog_options *shared__options(const struct shared *shared);
const struct shared_sizes *shared__sizes(const struct shared *shared);
int shared__map_fd(const struct shared *shared, const char *name);
/* The memory of a shared map made with BPF_F_MMAPABLE; unmapped by shared__free(). NULL with errno. */
void *shared__mmap(struct shared *shared, const char *name, uint32_t *ret_entries);

/* Entries of a shared map. */
uint32_t shared__map_entries(const struct shared *shared, const char *name);

/* Adds a process to the targets. 0 or -errno. */
int shared__add_target(struct shared *shared, uint32_t pid);

/* -ENOENT: it is none of the targets. */
int shared__find_target(const struct shared *shared, uint32_t pid);
/* Stacks that the kernel half remembers as sent are sent again when they are next seen. 0 or -errno. */
int shared__forget_stacks(struct shared *shared);

/* While this process is stopped it does not wait; 0: nobody. After a shared__load(). */
void shared__set_held(struct shared *shared, pid_t pid);

/* Epochs: programs write the maps of epoch & 1. */
uint32_t shared__epoch(const struct shared *shared);
/* Starts the next epoch and returns the parity that ended; programs may still be inside it. */
int shared__flip(struct shared *shared);
/* No program is inside an epoch of this parity. */
bool shared__is_quiet(const struct shared *shared, int parity);

/* Sums over the CPUs. 0 or -errno. */
int shared__read_counters(const struct shared *shared, struct counter_values *ret);
extern const char *const counter_names[COUNTER__CNT];
extern const char *const counter_texts[COUNTER__CNT];
extern const bool counter_is_loss[COUNTER__CNT];

int shared__each_program(
	const struct shared *shared, int (*fn)(const struct shared_program *, void *), void *arg);
int shared__each_map(
	const struct shared *shared, int (*fn)(const struct shared_map *, void *), void *arg);

#endif
