// SPDX-License-Identifier: GPL-2.0
/* Decodes the PLT stubs of x86-64: what GNU ld, lld and mold emit, with and without IBT and MPX. */
#include <string.h>

#include "symbol/plt.h"

bool plt_x86__decode(
	const uint8_t *code, size_t len, uint64_t start, uint64_t pc, struct plt_target *ret)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
	size_t at = 0;
	int32_t displacement;

	(void)pc;
	if (len >= sizeof(endbr64) && memcmp(code, endbr64, sizeof(endbr64)) == 0)
		at += sizeof(endbr64);
	if (at < len && code[at] == 0x68 && len - at >= 5) { /* push $index */
		uint32_t index;

		memcpy(&index, code + at + 1, sizeof(index));
		*ret = (struct plt_target){true, index};
		return true;
	}
	at += at < len && code[at] == 0xf2;                           /* bnd */
	if (len - at < 6 || code[at] != 0xff || code[at + 1] != 0x25) /* jmp *displacement(%rip) */
		return false;
	memcpy(&displacement, code + at + 2, sizeof(displacement));
	*ret = (struct plt_target){false, start + at + 6 + (int64_t)displacement};
	return true;
}
