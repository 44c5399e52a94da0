/* SPDX-License-Identifier: GPL-2.0 */
/* The way of the data from the kernel's maps into a profile: what is opened, in which order, and one turn of the drain. */
#ifndef BPFPROF_CAPTURE_H
#define BPFPROF_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "collect/shared.h"
#include "process/process.h"
#include "profile/profile.h"
#include "profile/usage.h"
#include "tap.h"
#include "thread.h"
#include "unwind/store.h"

struct capture;
struct perf_maps;

#define CAPTURE_PROFILES_MAX 12

struct capture_options {
	const char *profiles[CAPTURE_PROFILES_MAX]; /* names of collectors; at least one */
	size_t profile_cnt;
	bool all_processes;
	bool follow_children;
	bool keep_profile; /* somebody will read it; else samples are drained and forgotten */
	bool is_served; /* over HTTP: CPU samples are counted by process, other profiles than cpu are kept */
	uint32_t frequency_hz;
	uint64_t heap_rate_bytes;
	struct shared_sizes sizes;
};

/* What the daemon itself could not keep or left out; the kernel half counts its own in struct counter_values. */
struct capture_counter {
	const char *name, *text;
	bool is_loss;
	uint64_t value;
};
#define CAPTURE_COUNTERS_MAX 9

/* Loads programs and starts to follow processes; samples come after capture__start(). -errno with *ret_reason, a static
 * string that says what failed. */
int capture__open(
	const struct capture_options *options, struct capture **ret, const char **ret_reason);
/* Before capture__start(): profiles a process that exists. -ESRCH: it does not. */
int capture__add_target(struct capture *capture, pid_t pid);
int capture__start(struct capture *capture, const char **ret_reason);
/* What the processes asked for map is made known, and its unwind tables are built: 2 s of it at the most. */
void capture__build_tables(struct capture *capture);

/* Descriptors that become readable when processes start, map or exit, and when the stack ring fills. */
int capture__each_fd(const struct capture *capture, int (*fn)(int fd, void *arg), void *arg);
/* To be called then. Returns in how many milliseconds to call it again at the latest, because there is more to do; -1:
 * when one of them is readable. */
int capture__on_events(struct capture *capture);
/* One turn: what the programs counted since the last one is in the profile afterwards. 0, -EAGAIN when a program is still
 * inside the epoch that ended (call again in a millisecond), or -errno. */
int capture__drain(struct capture *capture);
/* Counts what is still going on (threads that wait) up to now; the next drain has it. For reads of a running capture, which
 * wait for no table: capture__stop() does it by itself. 0 or -errno. */
int capture__settle(struct capture *capture);
/* Detaches and drains what is left. */
int capture__stop(struct capture *capture);
void capture__free(struct capture *capture);

/* Starts to measure one more profile of a running capture. 0; -EEXIST: it is measured already. */
int capture__add_profile(struct capture *capture, const char *name, const char **ret_reason);
/* Ends that: detached, what it has counted is gone. No tap of it may be open. -ENOENT: it is not measured. */
int capture__remove_profile(struct capture *capture, const char *name);

/* Opens a tap of a measured profile, which counts from the next capture__drain() that returns 0 on. pid 0: all processes;
 * born_max_ns: struct tap. -ENOENT: the profile is not measured. */
int capture__open_tap(struct capture *capture, const char *name, uint32_t pid, uint64_t born_max_ns,
	struct tap **ret);
/* Takes what was opened; the profile in it is freed too. Accepts NULL. */
void capture__close_tap(struct capture *capture, struct tap *tap);
/* 0: it is profiled; -ESRCH: no such process; -ENOENT: there is one, but it was not asked for. */
int capture__find_process(const struct capture *capture, uint32_t pid);
/* Perf maps of the processes whose stacks had code of no file. */
const struct perf_maps *capture__perf_maps(const struct capture *capture);
/* NULL unless is_served. */
const struct usage *capture__usage(const struct capture *capture);

/* What collectors do at their own times, such as a tick of the wall clock. Returns in how many nanoseconds to call it again; 0:
 * never. */
uint64_t capture__tick(struct capture *capture);
/* Reads a gauge, such as threads, as it is now; also done by capture__stop(). 0; -ENOENT: it is not measured; -EINVAL: it
 * is no gauge; -errno. */
int capture__read(struct capture *capture, const char *name);
/* The threads that the last read of `threads` found, by pid and tid; valid until the next one. */
const struct thread_record *capture__threads(const struct capture *capture, size_t *ret_cnt);

struct shared *capture__shared(const struct capture *capture);
/* What has been drained since the profile was started; its duration_ns is up to the last drain. By number from 0, NULL past
 * the last one; or by name, NULL when it is not measured. */
const struct profile *capture__profile_at(const struct capture *capture, size_t index);
const struct profile *capture__profile(const struct capture *capture, const char *name);
/* The heap's collector; NULL: it is not measured. */
struct collector *capture__heap(const struct capture *capture);
uint64_t capture__duration_ns(const struct capture *capture);
const struct files *capture__files(const struct capture *capture);
const struct processes *capture__processes(const struct capture *capture);
void capture__unwind_stats(const struct capture *capture, struct unwind_store_stats *ret);
/* Fills ret, in an order that does not change; how many. */
size_t capture__counters(
	const struct capture *capture, struct capture_counter ret[CAPTURE_COUNTERS_MAX]);
/* Kernel memory of all maps; some seconds old where it takes a look at every map. */
uint64_t capture__map_bytes(struct capture *capture);

#endif
