// SPDX-License-Identifier: GPL-2.0
/* Where in a function a probe is cheap and safe, by architecture. */
#include "collect/probe_site.h"

#include <elf.h>

uint32_t probe_site__choose(uint16_t machine, const uint8_t *code, size_t bytes, int argument_cnt,
	bool wants_return, bool *ret_is_emulated)
{
	*ret_is_emulated = false;
	if (machine == EM_X86_64)
		return probe_site_x86__choose(
			code, bytes, argument_cnt, wants_return, ret_is_emulated);
	return 0;
}
