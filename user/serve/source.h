/* SPDX-License-Identifier: GPL-2.0 */
/* What the routes ask of the daemon; the front door fills it in (user/endpoint.c). */
#ifndef SERVE_SOURCE_H
#define SERVE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "output/source.h"
#include "profile/usage.h"
#include "serve/heap_history.h"
#include "serve/history.h"
#include "serve/peer.h"
#include "thread.h"

#define SERVE_REASON_MAX 256

/* One profile being measured for one request. */
struct serve_reading;

struct serve_reading_request {
	const char *profile; /* "cpu", "heap", "allocs", ...: a profile_kind's name */
	uint32_t pid;        /* 0: everything that is profiled */
	uint64_t window_ns;  /* 0: what it has counted since it was attached */
	struct peer
		peer; /* asked again while it is measured: a process may become another user's */
};

/* Profiles that were kept a while ago. */
struct serve_past_request {
	const char *profile;    /* a collector's name; NULL: a list of all that there is, in JSON */
	uint32_t pid;           /* 0: everything */
	int64_t from_ms, to_ms; /* CLOCK_REALTIME: those that overlap with it, as one */
};

/* err: 0, or -errno with the reason, a line. */
typedef void (*serve_ready_fn)(int err, const char *reason, void *arg);
typedef int (*serve_write_fn)(const struct output_source *source, void *arg, FILE *out);

struct serve_counter {
	const char *name, *text;
	bool is_loss;
	uint64_t value;
};

#define SERVE_COUNTERS_MAX 128

struct serve_figures {
	uint64_t uptime_ns, start_time_ns; /* CLOCK_REALTIME */
	uint64_t own_cpu_ns, own_rss_bytes, map_bytes;
	uint32_t cpu_cnt, frequency_hz;
	uint64_t turn_max_ns, turn_max_cpu_ns; /* the longest turn of the daemon's loop */
	uint32_t process_cnt;                  /* in the process table */
	bool is_host;                          /* the whole host is profiled */
	bool has_sched;                        /* the SCHED figures are being taken */
	struct serve_counter counters[SERVE_COUNTERS_MAX];
	size_t counter_cnt;
};

struct serve_source {
	void *arg;
	/* Whether this build measures a profile of that name: 0 or -ENOENT, with a line in reason. */
	int (*find_profile)(void *arg, const char *profile, char reason[SERVE_REASON_MAX]);
	/* 0; -ESRCH: no such process; -ENOENT: not one of those that are profiled. */
	int (*find_process)(void *arg, uint32_t pid);
	/* ready is called once, later, unless the reading is ended before. -errno with reason: -EOPNOTSUPP, -EPERM: not on
	 * this kernel or with these privileges; -EBUSY, -EAGAIN: not now. */
	int (*start)(void *arg, const struct serve_reading_request *request, serve_ready_fn ready,
		void *ready_arg, struct serve_reading **ret, char reason[SERVE_REASON_MAX]);
	void (*end)(void *arg, struct serve_reading *reading);
	/* In a child process: names the frames of a ready reading and hands all of it to write. */
	int (*write)(void *arg, struct serve_reading *reading, serve_write_fn write,
		void *write_arg, FILE *out);
	/* In a child process: a line "0x... name" for each address of pid's (0: the kernel's) that has a name. */
	int (*write_symbols)(void *arg, uint32_t pid, const uint64_t *addresses, size_t cnt,
		bool with_kernel, FILE *out);
	/* In a child process: -ENOENT: none of that time is kept. NULL: nothing is ever kept. */
	int (*write_past)(void *arg, const struct serve_past_request *request, FILE *out);
	/* Distinct samples of a profile that is kept; 0 when it is not measured now. */
	size_t (*sample_cnt)(void *arg, const char *profile);
	void (*figures)(void *arg, struct serve_figures *ret);
	const struct history *history;
	const struct heap_history *heap_history;
	const struct usage *usage; /* NULL: no CPU profile is taken */
	/* Those that the last reading of threads found, by pid and tid. */
	const struct thread_record *(*threads)(void *arg, size_t *ret_cnt);
	const char *(*cgroup_path)(void *arg, uint64_t cgroup);
};

#endif
