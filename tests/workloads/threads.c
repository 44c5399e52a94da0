// SPDX-License-Identifier: GPL-2.0
/* threads HOW SECONDS: threads named alpha, beta and gamma burn in burn_alpha, burn_beta and burn_gamma.
 * HOW: stay, or leave (the leader exits at once, before its threads). Prints "ready" when they run. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "burn.h"

BURN_ROUNDS(burn_alpha)
BURN_ROUNDS(burn_beta)
BURN_ROUNDS(burn_gamma)

static const struct {
	const char *name;
	void (*burn)(uint64_t n);
} work[] = {{"alpha", burn_alpha}, {"beta", burn_beta}, {"gamma", burn_gamma}};

static uint64_t end_ns;

static void *run_thread(void *arg)
{
	size_t i = (size_t)arg;

	pthread_setname_np(pthread_self(), work[i].name);
	while (clock_ns(CLOCK_MONOTONIC) < end_ns)
		work[i].burn(BURN_SLICE);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[3];
	size_t i;

	if (argc != 3)
		return 2;
	end_ns = clock_ns(CLOCK_MONOTONIC) + strtoull(argv[2], NULL, 10) * 1000000000ull;
	for (i = 0; i < 3; i++)
		if (pthread_create(&threads[i], NULL, run_thread, (void *)i))
			return 1;
	puts("ready");
	fflush(stdout);
	if (!strcmp(argv[1], "leave"))
		pthread_exit(NULL);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
