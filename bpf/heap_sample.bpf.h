/* SPDX-License-Identifier: GPL-2.0 */
/* Which allocations are sampled, and how many each of them stands for. */
#ifndef BPF_HEAP_SAMPLE_BPF_H
#define BPF_HEAP_SAMPLE_BPF_H

#include "common.bpf.h"
#include "heap_maps.h"

const volatile struct heap_options heap_options;

#define LN2_Q20 726817ull /* ln 2 * 2^20 */

/* log2 in 1/2^20 of a value that is not 0. Linear between 256 points: 3e-6 off at the most. */
static __always_inline u64 log2_q20(u32 value)
{
	u32 bit = 0, index, rest, low;

	if (value >> 16)
		bit += 16;
	if (value >> (bit + 8))
		bit += 8;
	if (value >> (bit + 4))
		bit += 4;
	if (value >> (bit + 2))
		bit += 2;
	if (value >> (bit + 1))
		bit += 1;
	value <<= 31 - bit; /* the leading one is bit 31 now */
	index = (value >> 23) & 0xff;
	rest = value & 0x7fffff;
	low = heap_options.log2_q20[index];
	return ((u64)bit << 20) + low +
	       (((u64)(heap_options.log2_q20[index + 1] - low) * rest) >> 23);
}

/* Bytes up to the next sample: exponentially distributed with mean rate_bytes. */
static __always_inline s64 sample__interval(void)
{
	u32 random = bpf_get_prandom_u32();
	u64 nats_q16;

	random |= !random;
	nats_q16 = ((((32ull << 20) - log2_q20(random)) * LN2_Q20) >> 20) >> 4;
	return (nats_q16 * heap_options.rate_bytes) >> 16;
}

/*
 * The bytes that a sampled allocation of size stands for: size / (1 - exp(-size / rate)), as Go's scaleHeapSample has it
 * for objects of one size (runtime/pprof/protomem.go). A function of the size alone, so that a free takes away exactly what
 * its allocation added.
 */
static __always_inline u64 weight__bytes(u64 size)
{
	u64 rate = heap_options.rate_bytes, steps, index, rest, low, high;

	if (rate <= 1)
		return size;
	steps = size << HEAP_WEIGHT_SHIFT; /* size is below 2^42 */
	index = steps / rate;
	if (index >= HEAP_WEIGHT_STEPS)
		return size;
	rest = ((steps - index * rate) << 16) / rate;
	low = heap_options.weight_q16[index & (HEAP_WEIGHT_STEPS - 1)];
	high = heap_options.weight_q16[(index & (HEAP_WEIGHT_STEPS - 1)) + 1];
	return (rate * (low + (((high - low) * rest) >> 16))) >> 16;
}

/* The objects that it stands for, in 1/HEAP_OBJECT_ONE. One of no bytes counts as one byte for sampling. */
static __always_inline u64 weight__objects(u64 size)
{
	if (heap_options.rate_bytes <= 1)
		return HEAP_OBJECT_ONE;
	size |= !size;
	return (weight__bytes(size) << HEAP_OBJECT_SHIFT) / size;
}

#endif
