/* SPDX-License-Identifier: GPL-2.0 */
/* Where in a function a probe is cheap and safe. */
#ifndef COLLECT_PROBE_SITE_H
#define COLLECT_PROBE_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_CODE_BYTES_MAX 4096 /* of a function that are looked at */

/*
 * The offset of the best instruction for a probe among a function's first ones. One that the kernel emulates costs a
 * fifteenth of one that it steps through out of line, but it must run in each call, once, with the first argument_cnt
 * arguments (3 at the most) in their registers. wants_return: a return probe overwrites the word at the stack pointer when it is hit,
 * so the stack pointer must still be what it was at the entry. What cannot be proved is not used: the entry is then.
 *
 * code: the function's bytes, hostile input. machine: e_machine; of others than x86-64 it is always the entry.
 */
uint32_t probe_site__choose(uint16_t machine, const uint8_t *code, size_t bytes, int argument_cnt,
	bool wants_return, bool *ret_is_emulated);

/* The same for x86-64. */
uint32_t probe_site_x86__choose(const uint8_t *code, size_t bytes, int argument_cnt,
	bool wants_return, bool *ret_is_emulated);

#endif
