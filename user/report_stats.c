// SPDX-License-Identifier: GPL-2.0
/* --stats: what bpfprof itself cost, and everything it could not see. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "collect/heap.h"
#include "collect/offcpu.h"
#include "log.h"
#include "own.h"
#include "report.h"
#include "symbol/cache.h"

static int program__print(const struct shared_program *program, void *arg)
{
	(void)arg;
	if (program->run_cnt)
		fprintf(stderr, "  program %-24s runs %10llu  mean %6llu ns  total %8.3f ms\n",
			program->name, (unsigned long long)program->run_cnt,
			(unsigned long long)(program->run_time_ns / program->run_cnt),
			(double)program->run_time_ns / 1e6);
	return 0;
}

static int map__print(const struct shared_map *map, void *arg)
{
	uint64_t *total = arg;

	fprintf(stderr, "  map     %-24s %10llu KiB\n", map->name,
		(unsigned long long)(map->bytes + 1023) / 1024);
	*total += map->bytes;
	return 0;
}

/* Stacks by how their walk ended: enum stack_end and the counters end_* have the same order. */
static void stats__print_ends(const struct counter_values *counters)
{
	uint64_t total = 0, complete;
	int i;

	for (i = 0; i < STACK_END_CNT; i++)
		if (i != STACK_END_KERNEL && i != STACK_END_EXEC)
			total += counters->cnt[COUNTER_end_root + i];
	complete = counters->cnt[COUNTER_end_root];
	if (total)
		fprintf(stderr, "  stacks  complete %.2f %% of %llu user stacks\n",
			100.0 * (double)complete / (double)total, (unsigned long long)total);
}

/* The processes that were away the most. */
#define OFFCPU_PROCESSES_MAX 20

struct offcpu_rows {
	struct offcpu_row {
		struct offcpu_process process;
		struct offcpu_totals totals;
	} rows[OFFCPU_PROCESSES_MAX];
	size_t cnt, process_cnt;
	struct offcpu_totals all;
};

static int row__compare(const void *a, const void *b)
{
	const struct offcpu_row *left = a, *right = b;

	return left->totals.off_ns < right->totals.off_ns
		       ? 1
		       : -(left->totals.off_ns > right->totals.off_ns);
}

static int offcpu__keep(
	const struct offcpu_process *process, const struct offcpu_totals *totals, void *arg)
{
	struct offcpu_rows *rows = arg;
	struct offcpu_row row = {.process = *process, .totals = *totals};

	rows->process_cnt++;
	rows->all.off_cnt += totals->off_cnt;
	rows->all.off_ns += totals->off_ns;
	rows->all.queue_cnt += totals->queue_cnt;
	rows->all.queue_ns += totals->queue_ns;
	rows->all.life_ns += totals->life_ns;
	rows->all.cpu_ns += totals->cpu_ns;
	if (rows->cnt < OFFCPU_PROCESSES_MAX)
		rows->rows[rows->cnt++] = row;
	else if (row__compare(&row, &rows->rows[rows->cnt - 1]) < 0)
		rows->rows[rows->cnt - 1] = row;
	qsort(rows->rows, rows->cnt, sizeof(row), row__compare);
	return 0;
}

static void offcpu__print(const char *who, const struct offcpu_totals *totals)
{
	int64_t residue_ns = (int64_t)(totals->life_ns - totals->cpu_ns - totals->off_ns);

	fprintf(stderr,
		"  offcpu  %-24s waits %llu, off %llu ns, of it queued %llu ns in %llu; life %llu ns, on cpu %llu ns, "
		"residue %lld ns (%.3f %%)\n",
		who, (unsigned long long)totals->off_cnt, (unsigned long long)totals->off_ns,
		(unsigned long long)totals->queue_ns, (unsigned long long)totals->queue_cnt,
		(unsigned long long)totals->life_ns, (unsigned long long)totals->cpu_ns,
		(long long)residue_ns,
		totals->life_ns ? 100.0 * (double)residue_ns / (double)totals->life_ns : 0.0);
}

/* Exact, where the profiles are sampled; and what of the threads' lives neither of on and off CPU accounts for. */
static void stats__print_offcpu(void)
{
	struct offcpu_rows rows = {0};
	char who[64], comm[4 * TASK_COMM_BYTES + 1];
	size_t i;

	offcpu__each_process(offcpu__keep, &rows);
	for (i = 0; i < rows.cnt; i++) {
		const struct offcpu_row *row = &rows.rows[i];

		log__escape_n(comm, sizeof(comm), row->totals.comm,
			strnlen(row->totals.comm, sizeof(row->totals.comm)));
		snprintf(who, sizeof(who), "%u %.32s", row->process.pid, comm);
		offcpu__print(who, &row->totals);
	}
	if (rows.process_cnt > 1)
		offcpu__print("all", &rows.all);
}

static void stats__print_unwind(const struct unwind_store_stats *unwind)
{
	fprintf(stderr,
		"  unwind  tables %u, rows %llu in %llu KiB, rules %u, built in %.1f ms; files by frame pointer %u, "
		"refused %u, no room %u, evicted %u, queued %u\n",
		unwind->ready_cnt, (unsigned long long)unwind->row_cnt,
		(unsigned long long)unwind->chunk_bytes / 1024, unwind->rule_cnt,
		(double)unwind->build_ns / 1e6, unwind->frame_pointer_cnt, unwind->refused_cnt,
		unwind->no_room_cnt, unwind->evicted_cnt, unwind->queued_cnt);
}

static void stats__print_symbols(const struct symbol_cache *cache)
{
	struct symbol_cache_stats stats;

	if (!cache)
		return;
	symbol_cache__stats(cache, &stats);
	fprintf(stderr, "  symbols cache %zu KiB, hits %llu, misses %llu, evicted %llu\n",
		stats.bytes / 1024, (unsigned long long)stats.hit_cnt,
		(unsigned long long)stats.miss_cnt, (unsigned long long)stats.evicted_cnt);
}

static void counter__print(const char *name, const char *text, bool is_loss, uint64_t value)
{
	fprintf(stderr, "  %-7s %-24s %10llu  %s\n", is_loss ? "lost" : "counter", name,
		(unsigned long long)value, text);
}

static void stats__print_heap(const struct collector *heap)
{
	char escaped[2 * HEAP_NOTE_BYTES_MAX];
	const char *text;
	uint32_t i;

	for (i = 0; (text = heap__attached(heap, i)); i++)
		fprintf(stderr, "  heap    %s\n", log__escape(escaped, sizeof(escaped), text));
	if (heap__attached_more_cnt(heap))
		fprintf(stderr, "  heap    and %u more\n", heap__attached_more_cnt(heap));
}

void report__stats(const struct capture *capture, const struct symbols_options *symbols_options)
{
	struct counter_values counters = {0};
	struct unwind_store_stats unwind;
	struct capture_counter own[CAPTURE_COUNTERS_MAX];
	uint64_t map_bytes = 0, duration_ns;
	size_t own_cnt;
	struct rusage usage;
	double cpu_s;
	int i;

	getrusage(RUSAGE_SELF, &usage);
	cpu_s = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	duration_ns = capture__duration_ns(capture);
	fprintf(stderr,
		"bpfprof: stats: cpu %.3f s in all, %.3f %% of one CPU; rss %llu KiB, at most %llu KiB\n",
		cpu_s, duration_ns ? cpu_s * 1e11 / (double)duration_ns : 0.0,
		(unsigned long long)own__rss_bytes() / 1024,
		(unsigned long long)own__rss_max_bytes() / 1024);
	shared__each_program(capture__shared(capture), program__print, NULL);
	shared__each_map(capture__shared(capture), map__print, &map_bytes);
	capture__unwind_stats(capture, &unwind);
	map__print(&(struct shared_map){.name = "unwind chunks", .bytes = unwind.chunk_bytes},
		&map_bytes);
	fprintf(stderr, "  maps    %-24s %10llu KiB\n", "in all",
		(unsigned long long)map_bytes / 1024);
	if (shared__read_counters(capture__shared(capture), &counters))
		return;
	stats__print_ends(&counters);
	for (i = 0; i < COUNTER__CNT; i++)
		counter__print(
			counter_names[i], counter_texts[i], counter_is_loss[i], counters.cnt[i]);
	stats__print_unwind(&unwind);
	stats__print_symbols(symbols_options->cache);
	if (capture__heap(capture))
		stats__print_heap(capture__heap(capture));
	stats__print_offcpu();
	own_cnt = capture__counters(capture, own);
	for (i = 0; i < (int)own_cnt; i++)
		counter__print(own[i].name, own[i].text, own[i].is_loss, own[i].value);
}
