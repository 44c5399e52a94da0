/* SPDX-License-Identifier: GPL-2.0 */
/* Every way in which something can be lost or left incomplete, named once for BPF, --stats, the lines, the profiles'
 * comments and /metrics. */
#ifndef BPFPROF_COUNTERS_H
#define BPFPROF_COUNTERS_H

/* COUNTER(name, is it a loss, what it counts) */
#define COUNTERS(COUNTER)                                                                          \
	COUNTER(samples, 0, "CPU samples taken")                                                   \
	COUNTER(samples_late, 0, "CPU samples weighted up for clock ticks that came late")         \
	COUNTER(samples_ns, 0, "nanoseconds spent on taking CPU samples")                          \
	COUNTER(samples_map_full, 1, "samples lost: sample map full")                              \
	COUNTER(samples_no_scratch, 1, "samples lost: no scratch buffer free")                     \
	COUNTER(samples_epoch_race, 1, "samples lost: the drain flipped epochs twice under them")  \
	COUNTER(lost_map_full, 1, "lost samples that could not be charged to their process")       \
	COUNTER(stacks_shipped, 0, "distinct stacks sent to the daemon")                           \
	COUNTER(stack_ring_full, 1,                                                                \
		"stacks not sent: ring buffer full; sent again when next seen")                    \
	COUNTER(stack_mark_failed, 0, "stacks sent but not marked as sent: set full")              \
	COUNTER(kernel_stack_failed, 1, "kernel stacks that could not be read")                    \
	COUNTER(mapping_unknown, 0, "samples of processes whose mappings were not known yet")      \
	COUNTER(mapping_stale, 0, "samples of processes whose mappings were of another image")     \
	COUNTER(frames_user, 0, "user frames walked")                                              \
	COUNTER(frames_raw, 0, "user frames in no known mapping of a file")                        \
	COUNTER(end_root, 0, "user stacks walked to their root")                                   \
	COUNTER(end_kernel, 0, "stacks of kernel threads")                                         \
	COUNTER(end_depth, 0, "stacks cut: deeper than 512 frames")                                \
	COUNTER(end_no_mapping, 0, "stacks cut: pc in no known mapping")                           \
	COUNTER(end_no_row, 0, "stacks cut: no unwind row for the pc, no frame pointer to go by")  \
	COUNTER(end_no_table, 0, "stacks cut: no unwind table, and no frame pointer")              \
	COUNTER(end_unreadable, 0, "stacks cut: stack memory not resident")                        \
	COUNTER(end_bad_cfa, 0, "stacks cut: frame does not lie above the one before")             \
	COUNTER(end_bad_rule, 0, "stacks cut: unwind rule that cannot be followed")                \
	COUNTER(end_compat, 0, "stacks cut: 32-bit process")                                       \
	COUNTER(end_bad_fp, 0, "stacks cut: frame pointer out of the stack")                       \
	COUNTER(end_exec, 0, "stacks of threads in execve, between two images")                    \
	COUNTER(target_map_full, 1, "processes not followed: target map full")                     \
	COUNTER(sched_thread_unknown, 1, "waits not measured: thread without scheduler state")     \
	COUNTER(sched_thread_failed, 1, "scheduler states of threads that could not be made")      \
	COUNTER(offcpu_stacks, 0, "stacks taken where threads left their CPU")                     \
	COUNTER(offcpu_unsampled, 0, "long waits counted exactly whose stack was not sampled")     \
	COUNTER(offcpu_thread_unknown, 1, "waits not measured: thread without off-CPU state")      \
	COUNTER(offcpu_thread_failed, 1, "off-CPU states of threads that could not be made")       \
	COUNTER(offcpu_totals_full, 1, "processes without exact totals: map full")                 \
	COUNTER(futex_records_failed, 0, "waits charged to the last unlock alone: no record")      \
	COUNTER(heap_samples, 0, "allocations sampled")                                            \
	COUNTER(heap_failed, 0, "sampled allocations that failed: not counted")                    \
	COUNTER(heap_nested, 0,                                                                    \
		"allocator functions called by others of the allocator: not counted")              \
	COUNTER(heap_free_unknown, 0, "frees at rate 1 of what was allocated before the attach")   \
	COUNTER(heap_reused, 0, "addresses given out again whose free was not seen")               \
	COUNTER(heap_live_full, 1, "sampled objects not followed: table of live objects full")     \
	COUNTER(heap_sites_full, 1, "sampled allocations without a stack: table of sites full")    \
	COUNTER(heap_no_thread, 1, "allocations not seen: no memory for a thread's state")         \
	COUNTER(heap_no_return, 0, "allocator calls whose return was not seen: not counted")       \
	COUNTER(heap_no_stack, 1,                                                                  \
		"sampled allocations without a stack: no buffer, or epochs raced")                 \
	COUNTER(faults, 0, "page faults seen")                                                     \
	COUNTER(fault_stacks, 0, "page faults whose stack was taken, each for as many as it says") \
	COUNTER(faults_lost, 1, "page faults lost: the drain flipped epochs twice under them")     \
	COUNTER(threadcreate_lost, 1, "creations of threads whose stack could not be kept")        \
	COUNTER(wall_moved, 1,                                                                     \
		"wall clock: threads that ran while they were walked, kept as [lost]")

enum counter {
#define COUNTER_ENUM(name, is_loss, text) COUNTER_##name,
	COUNTERS(COUNTER_ENUM)
#undef COUNTER_ENUM
		COUNTER__CNT,
};

struct counter_values {
	__u64 cnt[COUNTER__CNT];
};

#endif
