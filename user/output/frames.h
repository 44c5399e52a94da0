/* SPDX-License-Identifier: GPL-2.0 */
/* The frames of a sample as every output shows them: locations, and words for what could not be
 * walked. */
#ifndef OUTPUT_FRAMES_H
#define OUTPUT_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "output/source.h"

/* The stack's own frames and `[truncated]`. */
#define SAMPLE_FRAMES_MAX (KERNEL_FRAMES_MAX + STACK_FRAMES_MAX + 1)

/*
 * A location is known by its index: those of source->symbols first, then
 *   [lost]        the whole of a sample whose stack was not taken or not kept
 *   [truncated]   root-most of a stack that was not walked to its root
 *   [unresolved]  a frame that symbols was not resolved for
 *   [created before bpfprof attached]  the whole of a thread whose creation nobody saw
 * so that nothing is left out without a word.
 */
size_t frames__location_cnt(const struct symbols *symbols);
const struct symbol_location *frames__location(const struct symbols *symbols, size_t index);

/* The locations of a sample, leaf first, into ret. How many: 1 .. SAMPLE_FRAMES_MAX. */
size_t frames__of(const struct output_source *source, const struct sample *sample,
	uint32_t ret[SAMPLE_FRAMES_MAX]);

/* The default value of a sample, with its sign. */
int64_t frames__value(const struct output_source *source, const struct sample *sample);

/* Adds the sample's value (at least 1) to weights[mapping] once a frame. */
void frames__weigh(const struct symbols *symbols, const uint32_t *frames, size_t frame_cnt,
	int64_t value, uint64_t *weights);
/* Which mapping is the program's own, as pprof's massageMappings() guesses it: not a library, not
 * "[...]"; of several the one with the most weight. UINT32_MAX: no mapping has any. */
uint32_t frames__main_mapping(const struct symbols *symbols, const uint64_t *weights);

#endif
