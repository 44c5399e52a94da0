// SPDX-License-Identifier: GPL-2.0
/* The heap: probes on the functions of an allocator, in the processes asked for alone. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "heap_usdt.bpf.h"
#include "sample.bpf.h"
#include "walk.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HEAP_PROCESSES_MAX);
	__type(key, u32);
	__type(value, struct heap_hits);
} heap_hits SEC(".maps");

/* A call whose return is waited for. */
struct heap_pending {
	u64 sp;     /* at its entry: tells whose return it is */
	u64 result; /* where posix_memalign puts the address; 0: it is returned */
	u64 size;
	u64 old_key;   /* realloc: what it was given */
	u64 old_value; /* + 1; 0: not a sampled object */
	u32 site;
	u32 flags;
};
#define PENDING_SAMPLED 1
#define PENDING_NESTS   2

#define PENDING_MAX 4 /* a handler's allocation over an allocation; two to spare */

struct heap_thread {
	s64 left_bytes; /* up to the next sample */
	u64 nest_sp; /* not 0: an allocator function that may call another one was entered with this stack pointer */
	u32 pending_cnt;
	u32 is_set;
	struct heap_pending pending[PENDING_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct heap_thread);
} heap_threads SEC(".maps");

/* Tells in a program of a uprobe session whether it runs at the return. Since 6.13. */
extern bool bpf_session_is_return(void) __ksym __weak;

/* What a session's entry says to the kernel. */
#define WANT_RETURN 0
#define SKIP_RETURN 1

static __always_inline struct heap_thread *thread__get(struct task_struct *task)
{
	struct heap_thread *thread = bpf_task_storage_get(
		&heap_threads, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (thread && !thread->is_set) {
		thread->left_bytes = sample__interval();
		thread->is_set = 1;
	}
	return thread;
}

/* Each byte is sampled with the same small chance, whatever came before it: a Poisson process over the bytes of a
 * thread. What is left of the interval in which an allocation was sampled does not matter, for it has no memory. */
static __always_inline bool thread__samples(struct heap_thread *thread, u64 size)
{
	if (heap_options.rate_bytes <= 1)
		return true;
	thread->left_bytes -= size | !size;
	if (thread->left_bytes >= 0)
		return false;
	thread->left_bytes = sample__interval();
	return true;
}

/* The function that is entered was called by another one of the allocator, which has been counted. A tail call has its
 * caller's stack pointer. */
static __always_inline bool thread__is_nested(struct heap_thread *thread, u64 sp)
{
	if (!thread->nest_sp)
		return false;
	if (sp <= thread->nest_sp)
		return true;
	thread->nest_sp = 0; /* left without a return: longjmp(3), an exception */
	return false;
}

static __always_inline u64 size__of(struct pt_regs *ctx, u64 function)
{
	u64 count;

	switch (function) {
	case HEAP_MALLOC:
		return pt_regs__call_arg0(ctx);
	case HEAP_PVALLOC:
		return (pt_regs__call_arg0(ctx) + heap_options.page_bytes - 1) &
		       ~((u64)heap_options.page_bytes - 1);
	case HEAP_REALLOC:
	case HEAP_ALIGNED:
		return pt_regs__call_arg1(ctx);
	case HEAP_POSIX_MEMALIGN:
		return pt_regs__call_arg2(ctx);
	case HEAP_CALLOC:
		count = pt_regs__call_arg0(ctx);
		if (count && pt_regs__call_arg1(ctx) > HEAP_SIZE_MAX / count)
			return HEAP_SIZE_MAX + 1;
		return count * pt_regs__call_arg1(ctx);
	case HEAP_REALLOCARRAY:
		count = pt_regs__call_arg1(ctx);
		if (count && pt_regs__call_arg2(ctx) > HEAP_SIZE_MAX / count)
			return HEAP_SIZE_MAX + 1;
		return count * pt_regs__call_arg2(ctx);
	default:
		return 0;
	}
}

static __always_inline void alloc__walk(
	struct pt_regs *ctx, struct task_struct *task, struct sample_key *key, bool at_entry)
{
	struct epoch_users *users;
	int parity = epoch__enter(&users);
	struct scratch *scratch;

	if (parity < 0) {
		counter__inc(COUNTER_heap_no_stack);
		return;
	}
	scratch = scratch__get();
	if (scratch) {
		walk__begin(&scratch->walk);
		/* The return address is where the stack pointer points, whatever the file knows: Debian's musl has no
		 * call frame information. */
		scratch->walk.in_clone = at_entry;
		user_regs__copy(&scratch->walk.regs, ctx);
		walk__user(&scratch->walk, task, key->pid, false);
		key->stack = walk__finish(&scratch->walk, task, key->pid, key->start_ns);
		scratch__put(scratch);
	} else {
		counter__inc(COUNTER_heap_no_stack);
	}
	epoch__exit(users, parity);
}

/* The stack is taken at the entry: at the return the frame is gone. */
static __always_inline u32 alloc__site(
	struct pt_regs *ctx, struct task_struct *task, u32 process, bool at_entry)
{
	struct sample_key key = {};

	key.pid = task__pid(task);
	sample_key__fill(&key, task);
	/* A thread is no part of it: it would be a site of its own for each. */
	__builtin_memset(key.thread, 0, sizeof(key.thread));
	alloc__walk(ctx, task, &key, at_entry);
	return site__find(&key, process);
}

static __always_inline struct heap_pending *thread__push(struct heap_thread *thread, u64 sp)
{
	u32 cnt = thread->pending_cnt;

	if (cnt >= PENDING_MAX) {
		/* Calls whose return never came, deeper than this one. */
		counter__add(COUNTER_heap_no_return, PENDING_MAX);
		cnt = 0;
	}
	thread->pending_cnt = cnt + 1;
	thread->pending[cnt].sp = sp;
	return &thread->pending[cnt];
}

/* realloc gives its old block back now: once the call is under way, another thread may be given its address. If the
 * call fails, the block is put back. */
static __always_inline void pending__take_old(struct heap_pending *pending, u32 process, u64 old)
{
	pending->old_key = live__key(process, old);
	pending->old_value = old ? live__take(pending->old_key) : 0;
	if (pending->old_value)
		value__account_free(process, pending->old_value - 1, 1);
	else if (old && heap_options.rate_bytes <= 1)
		counter__inc(COUNTER_heap_free_unknown);
}

static __always_inline int alloc__enter(struct pt_regs *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 cookie = bpf_get_attach_cookie(ctx), function = cookie & HEAP_COOKIE_FUNCTION;
	u32 process = cookie >> HEAP_COOKIE_PROCESS_SHIFT;
	u64 size = size__of(ctx, function), sp = pt_regs__sp(ctx);
	struct heap_hits *hits = bpf_map_lookup_elem(&heap_hits, &process);
	struct heap_thread *thread = thread__get(task);
	struct heap_pending call = {.site = HEAP_SITE_NONE}, *pending;

	if (!thread || !hits) {
		counter__inc(COUNTER_heap_no_thread);
		return SKIP_RETURN;
	}
	if (thread__is_nested(thread, sp)) {
		counter__inc(COUNTER_heap_nested);
		return SKIP_RETURN;
	}
	__sync_fetch_and_add(&hits->allocs, 1);
	if (size > HEAP_SIZE_MAX)
		return SKIP_RETURN; /* it fails: count * size overflows, or there is no such memory */
	__sync_fetch_and_add(&hits->bytes, size);
	call.size = size;
	if (function == HEAP_REALLOC || function == HEAP_REALLOCARRAY) {
		u64 old = pt_regs__call_arg0(ctx);

		pending__take_old(&call, process, old);
		if (old)
			__sync_fetch_and_add(&hits->frees, 1);
	}
	if (thread__samples(thread, size)) {
		call.flags = PENDING_SAMPLED;
		call.site = alloc__site(ctx, task, process, true);
		counter__inc(COUNTER_heap_samples);
	}
	if (cookie & HEAP_COOKIE_NESTS) {
		call.flags |= PENDING_NESTS;
		thread->nest_sp = sp;
	}
	if (!call.flags && !call.old_value)
		return SKIP_RETURN;
	if (function == HEAP_POSIX_MEMALIGN)
		call.result = pt_regs__call_arg0(ctx);
	pending = thread__push(thread, sp);
	call.sp = sp;
	*pending = call;
	return WANT_RETURN;
}

/* Copies out the call that returns, and forgets those above it, which never will. */
static __always_inline bool thread__pop(
	struct heap_thread *thread, u64 sp, struct heap_pending *ret)
{
	u32 cnt = thread->pending_cnt, i;

	for (i = 0; i < PENDING_MAX; i++) {
		u32 top = cnt - 1 - i;

		if (top >= PENDING_MAX)
			return false;
		if (thread->pending[top].sp != sp)
			continue;
		if (i)
			counter__add(COUNTER_heap_no_return, i);
		*ret = thread->pending[top];
		thread->pending_cnt = top;
		return true;
	}
	return false;
}

static __always_inline void alloc__returned(u32 process, u64 addr, const struct heap_pending *call)
{
	u64 key = live__key(process, addr), old;
	u64 value = value__of(process, call->size, call->site);

	old = live__take(key);
	if (old) {
		counter__inc(COUNTER_heap_reused);
		value__account_free(process, old - 1, 1);
	}
	value__account_alloc(process, value);
	if (live__put(key, value))
		return;
	counter__inc(COUNTER_heap_live_full);
	/* its free will not be found: better not in use than leaked for ever */
	value__account_free(process, value, 1);
}

static __always_inline void alloc__failed(u32 process, const struct heap_pending *call)
{
	if (call->flags & PENDING_SAMPLED)
		counter__inc(COUNTER_heap_failed);
	/* realloc(p, 0) that returns NULL has freed p; any other NULL leaves it as it was */
	if (!call->old_value || !call->size)
		return;
	value__account_free(process, call->old_value - 1, -1);
	if (live__put(call->old_key, call->old_value - 1))
		return;
	counter__inc(COUNTER_heap_live_full);
	value__account_free(process, call->old_value - 1, 1);
}

static __always_inline int alloc__return(struct pt_regs *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 process = bpf_get_attach_cookie(ctx) >> HEAP_COOKIE_PROCESS_SHIFT;
	struct heap_thread *thread = bpf_task_storage_get(&heap_threads, task, NULL, 0);
	u64 addr = pt_regs__result(ctx);
	struct heap_pending call;

	if (!thread || !thread__pop(thread, pt_regs__sp(ctx) - RETURN_POPS_BYTES, &call))
		return 0;
	if (call.flags & PENDING_NESTS)
		thread->nest_sp = 0;
	if (call.result && (addr || bpf_probe_read_user(&addr, sizeof(addr), (void *)call.result)))
		addr = 0; /* posix_memalign returns an error */
	if (!addr)
		alloc__failed(process, &call);
	else if (call.flags & PENDING_SAMPLED)
		alloc__returned(process, addr, &call);
	return 0;
}

/* Entry and return in one, where the kernel has sessions: unsampled calls have no return. */
SEC("?uprobe")
int heap_session(struct pt_regs *ctx)
{
	return bpf_session_is_return() ? alloc__return(ctx) : alloc__enter(ctx);
}

/* The two halves of it for other kernels: each call has a return. */
SEC("?uprobe")
int heap_enter(struct pt_regs *ctx)
{
	alloc__enter(ctx);
	return 0;
}

SEC("?uprobe")
int heap_return(struct pt_regs *ctx)
{
	return alloc__return(ctx);
}

SEC("?uprobe")
int heap_free(struct pt_regs *ctx)
{
	u64 cookie = bpf_get_attach_cookie(ctx), addr = pt_regs__call_arg0(ctx), value;
	u32 process = cookie >> HEAP_COOKIE_PROCESS_SHIFT;
	struct heap_hits *hits = bpf_map_lookup_elem(&heap_hits, &process);

	if (!addr || !hits)
		return 0;
	if (cookie & HEAP_COOKIE_NESTS) {
		struct heap_thread *thread = bpf_task_storage_get(
			&heap_threads, bpf_get_current_task_btf(), NULL, 0);

		/* realloc's own: it has been counted there */
		if (thread && thread__is_nested(thread, pt_regs__sp(ctx)))
			return 0;
	}
	__sync_fetch_and_add(&hits->frees, 1);
	value = live__take(live__key(process, addr));
	if (value)
		value__account_free(process, value - 1, 1);
	else if (heap_options.rate_bytes <= 1)
		counter__inc(COUNTER_heap_free_unknown);
	return 0;
}

/* What the process sampled by itself, and tells by the probes that it has for it. */
SEC("?uprobe")
int heap_usdt_alloc(struct pt_regs *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 cookie = bpf_get_attach_cookie(ctx);
	u32 process = cookie >> HEAP_COOKIE_PROCESS_SHIFT & HEAP_COOKIE_PROCESS_MASK;
	struct heap_hits *hits = bpf_map_lookup_elem(&heap_hits, &process);
	struct usdt_call call;

	if (!hits || !usdt__read(ctx, cookie, &call))
		return 0;
	__sync_fetch_and_add(&hits->usdt_allocs, 1);
	counter__inc(COUNTER_heap_samples);
	usdt__allocated(process, alloc__site(ctx, task, process, false), &call);
	return 0;
}

SEC("?uprobe")
int heap_usdt_free(struct pt_regs *ctx)
{
	u64 cookie = bpf_get_attach_cookie(ctx);
	u32 process = cookie >> HEAP_COOKIE_PROCESS_SHIFT & HEAP_COOKIE_PROCESS_MASK;
	struct heap_hits *hits = bpf_map_lookup_elem(&heap_hits, &process);
	struct usdt_call call;

	if (!hits || !usdt__read(ctx, cookie, &call))
		return 0;
	__sync_fetch_and_add(&hits->usdt_frees, 1);
	usdt__freed(process, call.addr);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
