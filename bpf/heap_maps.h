/* SPDX-License-Identifier: GPL-2.0 */
/* What bpf/heap.bpf.c and the daemon share: which function a probe sits on, live objects, allocation sites. */
#ifndef BPFPROF_HEAP_H
#define BPFPROF_HEAP_H

#include "bpfprof.h"
#include "usdt_argument.h"

#define HEAP_PROCESSES_MAX 512 /* processes probed at the same time */

/* By their arguments. */
enum heap_function {
	HEAP_MALLOC = 0,     /* (size); operator new, valloc, mallocx, too */
	HEAP_CALLOC,         /* (count, size) */
	HEAP_REALLOC,        /* (old, size); rallocx */
	HEAP_REALLOCARRAY,   /* (old, count, size) */
	HEAP_ALIGNED,        /* (alignment, size): memalign, aligned_alloc */
	HEAP_POSIX_MEMALIGN, /* (result, alignment, size) */
	HEAP_PVALLOC,        /* (size), rounded up to pages */
	HEAP_FREE,           /* (address, ...): operator delete, sdallocx, too */
	HEAP_FUNCTION_CNT,
};

/* A probe's cookie: whose process it belongs to and what it sits on. */
#define HEAP_COOKIE_FUNCTION 0xffull
#define HEAP_COOKIE_NESTS                                                                          \
	0x100ull /* it may call another probed function: that call is its own affair */
#define HEAP_COOKIE_PROCESS_SHIFT 16
#define HEAP_COOKIE_PROCESS_MASK  0xffffull
#define HEAP_COOKIE_USDT_SHIFT    48   /* of a statically defined probe: where its arguments are */
#define HEAP_USDT_MAX             1024 /* distinct ways in which they are */

/*
 * Live objects, 16 bytes each: an open hash table of buckets of HEAP_WAYS, each object in one of two buckets. An ordinary
 * BPF hash map takes 80 bytes an object. Keys are claimed and released by compare-and-swap; the daemon reads and clears them in place.
 *
 *   key    address >> 3 in 45 bits; above, the process's index + 1: no two processes share a key
 *   value  size in 42 bits, in two how often its weight is doubled, above the site's index
 */
#define HEAP_WAYS          8
#define HEAP_KEY_ADDR_BITS 45
#define HEAP_KEY_ADDR_MASK ((1ull << HEAP_KEY_ADDR_BITS) - 1)
/* What a process sampled by itself has two entries: the bytes that it stands for, and the objects. */
#define HEAP_KEY_USDT_BYTES   (1ull << 62)
#define HEAP_KEY_USDT_OBJECTS (1ull << 63)
#define HEAP_KEY_PROCESS(key)                                                                      \
	((((key) & ~(HEAP_KEY_USDT_BYTES | HEAP_KEY_USDT_OBJECTS)) >> HEAP_KEY_ADDR_BITS) - 1)
#define HEAP_SIZE_BITS  42
#define HEAP_SIZE_MAX   ((1ull << HEAP_SIZE_BITS) - 1)
#define HEAP_THIN_MAX   3u
#define HEAP_SITE_SHIFT 44
#define HEAP_SITE_NONE                                                                             \
	0xfffffu /* a value's site when sites were full: the process's `lost` counts */
struct heap_bucket {
	__u64 keys[HEAP_WAYS]; /* 0: free */
	__u64 values[HEAP_WAYS];
};
_Static_assert(sizeof(struct heap_bucket) == 128, "two cache lines");

/* What is summed for a site. Each only grows (but for a realloc that failed), so that the daemon takes differences. */
enum heap_sum {
	HEAP_ALLOC_OBJECTS, /* in 1/HEAP_OBJECT_ONE */
	HEAP_ALLOC_BYTES,
	HEAP_FREE_OBJECTS,
	HEAP_FREE_BYTES,
	HEAP_SUM_CNT,
};
#define HEAP_OBJECT_SHIFT 10
#define HEAP_OBJECT_ONE   (1ull << HEAP_OBJECT_SHIFT)

/* A stack of a process that allocates: an open hash table, claimed by its hash. */
#define HEAP_SITE_PROBES 16
struct heap_site {
	__u64 hash;  /* 0: free */
	__u32 ready; /* key is written */
	__u32 process;
	__u64 sums[HEAP_SUM_CNT];
	struct sample_key key;
};
_Static_assert(sizeof(struct heap_site) == 128, "two cache lines");

/* Of one process, by its index. */
struct heap_process {
	__s64 in_use_bytes;
	__s64 peak_bytes;         /* since the daemon last looked */
	__u64 lost[HEAP_SUM_CNT]; /* of allocations without a site */
	__u64 thin; /* set by the daemon: allocations are seen 1/2^thin of the time, and stand for 2^thin as many */
	/* What the calls that the process sampled by itself stand for; objects in 1/HEAP_OBJECT_ONE. */
	__u64 usdt_allocs;
	__u64 usdt_frees;
	__u64 usdt_bytes;
	__u64 pad[6];
};
_Static_assert(sizeof(struct heap_process) == 128, "two cache lines");

/* Every call, sampled or not; of one process on one CPU. */
struct heap_hits {
	__u64 allocs;
	__u64 frees;
	__u64 bytes;
	__u64 usdt_allocs; /* statically defined probes: calls that the process itself has sampled */
	__u64 usdt_frees;
	__u64 pad;
};

/* rodata of the object. */
#define HEAP_LOG2_STEPS   256 /* log2(1 + i / 256) in 1/2^20 */
#define HEAP_WEIGHT_STEPS 256 /* x / (1 - exp(-x)) in 1/2^16, for x = i / 16 */
#define HEAP_WEIGHT_SHIFT 4
struct heap_options {
	__u64 rate_bytes; /* 1: every allocation */
	__u32 bucket_mask;
	__u32 site_mask;
	__u32 page_bytes;
	__u32 pad;
	__u32 log2_q20[HEAP_LOG2_STEPS + 1];
	__u32 weight_q16[HEAP_WEIGHT_STEPS + 1];
};

#endif
