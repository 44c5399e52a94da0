/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Allocations that the process samples by itself and tells by statically defined probes, as OpenTelemetry's contract has it
 * (opentelemetry-ebpf-profiler, design-docs/00003-memory-profiling):
 *
 *   otel_memory:alloc(address, size, weight)  a sampled allocation, and the bytes that it stands for
 *   otel_memory:free(address)                 the free of one that was sampled
 */
#ifndef BPF_HEAP_USDT_BPF_H
#define BPF_HEAP_USDT_BPF_H

#include "heap_live.bpf.h"
#include "regs.h"

HEAP_ARRAY(heap_usdts, struct usdt_arguments, HEAP_USDT_MAX);

struct usdt_call {
	u64 addr;
	u64 size;
	u64 weight_bytes;
};

/* A register of DWARF's number; 0 where there is none. */
static __always_inline u64 usdt__register(const struct user_regs *regs, u8 number)
{
	return number < USER_REGS_DWARF_CNT ? regs->dwarf[number & (USER_REGS_DWARF_CNT - 1)] : 0;
}

/* The value's bytes alone, with its sign where it has one. */
static __always_inline u64 usdt__extend(const struct usdt_argument *argument, u64 value)
{
	u32 shift = 64 - 8 * (argument->bytes & 15);

	if (shift >= 64)
		return value;
	value <<= shift;
	return argument->is_signed ? (u64)((s64)value >> shift) : value >> shift;
}

static __always_inline u64 usdt__argument(
	const struct user_regs *regs, const struct usdt_argument *argument)
{
	u64 value = (u64)argument->offset;

	if (argument->kind == USDT_REGISTER)
		value = usdt__register(regs, argument->reg);
	if (argument->kind == USDT_MEMORY) {
		u64 at = usdt__register(regs, argument->reg) + (u64)argument->offset +
			 usdt__register(regs, argument->index) * argument->scale;

		if (bpf_probe_read_user(&value, sizeof(value), (void *)at))
			return 0;
	}
	return usdt__extend(argument, value);
}

/* The arguments of the probe that was hit. False: they cannot be had. */
static __always_inline bool usdt__read(struct pt_regs *ctx, u64 cookie, struct usdt_call *ret)
{
	u32 index = cookie >> HEAP_COOKIE_USDT_SHIFT;
	const struct usdt_arguments *usdt = bpf_map_lookup_elem(&heap_usdts, &index);
	struct user_regs regs;

	if (!usdt)
		return false;
	user_regs__copy(&regs, ctx);
	ret->addr = usdt__argument(&regs, &usdt->arguments[0]);
	ret->size = usdt__argument(&regs, &usdt->arguments[1]);
	ret->weight_bytes = usdt__argument(&regs, &usdt->arguments[2]);
	return ret->addr;
}

/* Takes what an address stands for out of the table, and counts its free. False: it is not there. */
static __always_inline bool usdt__take(u32 process, u64 addr)
{
	u64 key = live__key(process, addr), bytes = live__take(key | HEAP_KEY_USDT_BYTES), objects;
	struct heap_process *figures;
	struct weight weight;

	if (!bytes)
		return false;
	objects = live__take(key | HEAP_KEY_USDT_OBJECTS);
	weight.bytes = (bytes - 1) & HEAP_SIZE_MAX;
	weight.objects = objects ? (objects - 1) & HEAP_SIZE_MAX : 0;
	site__account_free(process, (bytes - 1) >> HEAP_SITE_SHIFT, weight, 1);
	figures = bpf_map_lookup_elem(&heap_processes, &process);
	if (figures)
		__sync_fetch_and_add(&figures->usdt_frees, weight.objects);
	return true;
}

/* What the process says is hostile: it is bounded, and what it adds its free takes away. */
static __always_inline struct weight usdt__weight(
	const struct heap_process *figures, const struct usdt_call *call)
{
	u64 size = call->size, thin = figures->thin & HEAP_THIN_MAX, max = HEAP_SIZE_MAX >> thin;
	struct weight weight = {.bytes = call->weight_bytes};

	if (weight.bytes > max)
		weight.bytes = max;
	size |= !size;
	weight.objects = (weight.bytes << HEAP_OBJECT_SHIFT) / size;
	if (weight.objects > max)
		weight.objects = max;
	weight.bytes <<= thin;
	weight.objects <<= thin;
	return weight;
}

static __always_inline void usdt__allocated(u32 process, u32 site, const struct usdt_call *call)
{
	struct heap_process *figures = bpf_map_lookup_elem(&heap_processes, &process);
	u64 key = live__key(process, call->addr), above = (u64)site << HEAP_SITE_SHIFT;
	struct weight weight;

	if (!figures)
		return;
	if (usdt__take(process, call->addr))
		counter__inc(COUNTER_heap_reused);
	weight = usdt__weight(figures, call);
	__sync_fetch_and_add(&figures->usdt_allocs, weight.objects);
	__sync_fetch_and_add(&figures->usdt_bytes, weight.bytes);
	site__account_alloc(process, site, weight);
	if (live__put(key | HEAP_KEY_USDT_OBJECTS, weight.objects)) {
		if (live__put(key | HEAP_KEY_USDT_BYTES, weight.bytes | above))
			return;
		live__take(key | HEAP_KEY_USDT_OBJECTS);
	}
	counter__inc(COUNTER_heap_live_full);
	/* its free will not be found: better not in use than leaked for ever */
	site__account_free(process, site, weight, 1);
}

static __always_inline void usdt__freed(u32 process, u64 addr)
{
	usdt__take(process, addr);
}

#endif
