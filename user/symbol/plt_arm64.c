// SPDX-License-Identifier: GPL-2.0
/* Decodes the PLT stubs of arm64: adrp x16; ldr x17, [x16, #offset]; add; br, with and without
 * BTI. */
#include <string.h>

#include "symbol/plt.h"

static uint32_t instruction(const uint8_t *code)
{
	uint32_t word;

	memcpy(&word, code, sizeof(word));
	return word;
}

/* adrp x16, page; ldr x17, [x16, #offset] at address. */
static bool decode_pair(const uint8_t *code, uint64_t address, struct plt_target *ret)
{
	uint32_t adrp = instruction(code), ldr = instruction(code + 4);
	int64_t pages = (adrp >> 29 & 3) | (adrp >> 5 & 0x7ffff) << 2;

	if ((adrp & 0x9f00001f) != 0x90000010 || (ldr & 0xffc003ff) != 0xf9400211)
		return false;
	pages = (pages ^ 1 << 20) - (1 << 20); /* 21 bits, signed */
	*ret = (struct plt_target){
		.address = (address & ~4095ull) + pages * 4096 + (ldr >> 10 & 0xfff) * 8,
	};
	return true;
}

bool plt_arm64__decode(
	const uint8_t *code, size_t len, uint64_t start, uint64_t pc, struct plt_target *ret)
{
	uint64_t at = (pc - start) & ~3ull;

	if (at + 4 <= len && instruction(code + at) == 0xd503245f) /* bti c */
		at += 4;
	for (unsigned int back = 0; back < 6; back++, at -= 4) {
		if (at + 8 <= len && decode_pair(code + at, start + at, ret))
			return true;
		if (at < 4)
			break;
	}
	return false;
}
