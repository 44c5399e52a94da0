/* Fuzzes the value parsers, the escaping and the whole command line with BPFPROF. */
#include <stdlib.h>
#include <string.h>

#include "options.h"

#define WORDS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void fuzz_values(struct span text)
{
	static const char *const names[] = {"cpu", "heap"};
	struct address address;
	pid_t pids[8];
	size_t pid_cnt = 0;
	uint64_t value;
	uint32_t set = 0;
	struct span bad;
	char buf[32];

	if (!parse__number(text, 1, 100, &value))
		require(value >= 1 && value <= 100);
	if (!parse__time(text, 1, 1000000000, &value))
		require(value >= 1 && value <= 1000000000);
	if (!parse__bytes(text, 1, 1 << 20, &value))
		require(value >= 1 && value <= 1 << 20);
	if (!parse__percent(text, 1, 1000000, &value))
		require(value >= 1 && value <= 1000000);
	if (!parse__address(text, &address) && address.kind != ADDRESS_OFF)
		require(address.kind == ADDRESS_TCP ? address.host[0] : address.path[0]);
	parse__set(text, names, 2, &set, &bad);
	require(set < 4);
	parse__pids(text, pids, 8, &pid_cnt, &bad);
	require(pid_cnt <= 8);
	log__escape_n(buf, sizeof(buf), text.at, text.len);
	require(!strpbrk(buf, "\n\x1b\x7f"));
}

/* The first line is BPFPROF, each other one a word. */
static void fuzz_command_line(char *text)
{
	static char name[] = "bpfprof";
	char *argv[WORDS_MAX + 1] = {name}, *env = strsep(&text, "\n");
	char error[OPTIONS_MESSAGE_MAX];
	static struct options options;
	int argc = 1, err;

	while (text && argc < WORDS_MAX)
		argv[argc++] = strsep(&text, "\n");
	err = options__parse(argc, argv, env, &options, error);
	if (err)
		require(error[0] && !strpbrk(error, "\n\x1b\x7f"));
	else if (options.action == OPTIONS_RUN)
		require(options.interval_ns && options.sched_period_ns && options.frequency_hz &&
			options.profiles && !strpbrk(options.warning, "\n\x1b\x7f"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	size_t i;

	if (!text)
		return 0;
	fuzz_values((struct span){(const char *)data, size});
	memcpy(text, data, size);
	text[size] = '\0';
	for (i = 0; i < FEATURE_CNT; i++)
		options_features[i].available = size & 1 || i == FEATURE_CPU || i == FEATURE_PPROF;
	fuzz_command_line(text);
	free(text);
	return 0;
}
