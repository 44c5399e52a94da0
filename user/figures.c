// SPDX-License-Identifier: GPL-2.0
/* What the daemon costs and what it has lost. */
#include "figures.h"

#include <stdlib.h>

#include "own.h"
#include "process/clock.h"

struct figures {
	uint64_t start_time_ns; /* CLOCK_REALTIME */
};

struct figures *figures__new(void)
{
	struct figures *figures = calloc(1, sizeof(*figures));

	if (figures)
		figures->start_time_ns = clock__ns(CLOCK_REALTIME);
	return figures;
}

void figures__free(struct figures *figures)
{
	free(figures);
}

static void figures__add(
	struct serve_figures *ret, const char *name, const char *text, bool is_loss, uint64_t value)
{
	if (ret->counter_cnt < SERVE_COUNTERS_MAX)
		ret->counters[ret->counter_cnt++] = (struct serve_counter){
			.name = name, .text = text, .is_loss = is_loss, .value = value};
}

static void figures__add_own(struct serve_figures *ret, const struct capture *capture)
{
	struct capture_counter counters[CAPTURE_COUNTERS_MAX];
	size_t cnt = capture__counters(capture, counters), i;

	for (i = 0; i < cnt; i++)
		figures__add(ret, counters[i].name, counters[i].text, counters[i].is_loss,
			counters[i].value);
}

void figures__add_retained(struct serve_figures *ret, uint64_t failed_cnt, uint64_t written_cnt)
{
	figures__add(
		ret, "retain_failed", "profiles that --retain could not keep", true, failed_cnt);
	figures__add(ret, "retain_written", "profiles that --retain has kept", false, written_cnt);
}

void figures__read(struct figures *figures, struct capture *capture, struct serve_figures *ret)
{
	const struct prog_options *options = shared__options(capture__shared(capture));
	struct counter_values counters = {0};
	int i;

	*ret = (struct serve_figures){
		.uptime_ns = capture__duration_ns(capture),
		.start_time_ns = figures->start_time_ns,
		.own_cpu_ns = own__cpu_ns() + own__children_cpu_ns(),
		.own_rss_bytes = own__rss_bytes(),
		.map_bytes = capture__map_bytes(capture),
		.cpu_cnt = options->cpu_cnt,
		.process_cnt = processes__cnt(capture__processes(capture)),
		.is_host = options->all_processes,
	};
	if (!shared__read_counters(capture__shared(capture), &counters))
		for (i = 0; i < COUNTER__CNT; i++)
			figures__add(ret, counter_names[i], counter_texts[i], counter_is_loss[i],
				counters.cnt[i]);
	figures__add_own(ret, capture);
}
