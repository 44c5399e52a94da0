// SPDX-License-Identifier: GPL-2.0
/* host SECONDS PLUGIN: waits a second, then dlopens PLUGIN and burns in its plugin_burn. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "burn.h"

int main(int argc, char **argv)
{
	void (*burn)(uint64_t n);
	uint64_t end;
	void *plugin;

	if (argc != 3)
		return 2;
	puts("ready");
	fflush(stdout);
	sleep(1);
	plugin = dlopen(argv[2], RTLD_NOW);
	burn = plugin ? (void (*)(uint64_t))dlsym(plugin, "plugin_burn") : NULL;
	if (!burn)
		return 1;
	end = clock_ns(CLOCK_MONOTONIC) + strtoull(argv[1], NULL, 10) * 1000000000ull;
	while (clock_ns(CLOCK_MONOTONIC) < end)
		burn(BURN_SLICE);
	return 0;
}
