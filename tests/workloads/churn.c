// SPDX-License-Identifier: GPL-2.0
/* What tools/soak keeps a host busy with, until SIGTERM; it prints how often then. None of it outlives its parent.
 *
 * churn exec RATE PROGRAM    starts PROGRAM RATE times a second
 * churn threads RATE         starts threads that live some 0.1 ms
 * churn plugins RATE FOLDER  dlopens one of the folder's files, calls its plugin_burn, dlcloses it
 * churn duty PCT             burns so much of a CPU, in spells of random length
 * churn hog                  touches memory until somebody stops it */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "burn.h"

#define NS_PER_S      1000000000ull
#define BEHIND_NS_MAX (NS_PER_S / 5) /* what is later than this is not made up for */
#define PLUGINS_MAX   256

BURN_ROUNDS(churn_burn)

extern char **environ;

static volatile sig_atomic_t is_ending;

static void end(int number)
{
	(void)number;
	is_ending = 1;
}

static void sleep_until(uint64_t ns)
{
	struct timespec at = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static int spawn(void *program)
{
	char *argv[] = {program, NULL};
	int status;
	pid_t pid;

	if (posix_spawn(&pid, program, NULL, NULL, argv, environ))
		return 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return 1;
}

static void *short_thread(void *arg)
{
	churn_burn(BURN_SLICE);
	return arg;
}

static int start_thread(void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	(void)arg;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&thread, &attr, short_thread, NULL);
	pthread_attr_destroy(&attr);
	return !err;
}

/* Files come and go meanwhile. */
static int use_plugin(void *folder)
{
	char paths[PLUGINS_MAX][512];
	struct dirent *entry;
	DIR *dir = opendir(folder);
	void (*burn)(uint64_t n);
	void *plugin;
	int cnt = 0;

	while (dir && cnt < PLUGINS_MAX && (entry = readdir(dir)))
		if (strstr(entry->d_name, ".so"))
			snprintf(paths[cnt++], sizeof(paths[0]), "%s/%s", (char *)folder,
				entry->d_name);
	if (dir)
		closedir(dir);
	plugin = cnt ? dlopen(paths[rand() % cnt], RTLD_NOW) : NULL;
	if (!plugin)
		return 0;
	burn = (void (*)(uint64_t))dlsym(plugin, "plugin_burn");
	if (burn)
		burn(BURN_SLICE);
	dlclose(plugin);
	return burn != NULL;
}

/* Spells whose length no clock shares. */
static int burn_a_spell(void *percent)
{
	uint64_t spell_ns = 2000000 + (uint64_t)rand() % 18000000;

	BURN_CPU_MS(churn_burn, spell_ns / 1000000);
	sleep_until(clock_ns(CLOCK_MONOTONIC) +
		    spell_ns * (uint64_t)(100 - *(int *)percent) / (uint64_t) * (int *)percent);
	return 1;
}

static int hog(void *arg)
{
	size_t bytes = 1 << 20;
	char *volatile memory = malloc(bytes); /* or the compiler sees that nobody reads it */

	(void)arg;
	if (memory)
		memset(memory, 1, bytes);
	return 1;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*act)(void *arg);
	} kinds[] = {{"exec", spawn}, {"threads", start_thread}, {"plugins", use_plugin},
		{"duty", burn_a_spell}, {"hog", hog}};
	const char *name = argc > 1 ? argv[1] : "";
	int rate = argc > 2 ? atoi(argv[2]) : 0;
	int is_paced = strcmp(name, "duty") && strcmp(name, "hog");
	void *arg = argc > 3 ? argv[3] : (void *)&rate;
	uint64_t next_ns = clock_ns(CLOCK_MONOTONIC), now_ns, cnt = 0;
	size_t kind = 0;

	while (kind < sizeof(kinds) / sizeof(kinds[0]) && strcmp(name, kinds[kind].name))
		kind++;
	if (kind == sizeof(kinds) / sizeof(kinds[0]) || (rate <= 0 && kinds[kind].act != hog))
		return 2;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, end);
	srand((unsigned int)getpid());
	while (!is_ending) {
		cnt += (uint64_t)kinds[kind].act(arg);
		if (!is_paced)
			continue;
		next_ns += NS_PER_S / (uint64_t)rate;
		now_ns = clock_ns(CLOCK_MONOTONIC);
		if (next_ns + BEHIND_NS_MAX < now_ns)
			next_ns = now_ns;
		sleep_until(next_ns);
	}
	printf("%llu\n", (unsigned long long)cnt);
	return 0;
}
