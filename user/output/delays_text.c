// SPDX-License-Identifier: GPL-2.0
/* Who waited for a CPU, and who had it. */
#include "output/delays_text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "output/text.h"

#define NS_PER_US 1000u
#define NS_PER_MS 1000000u

static int stream__error(FILE *out)
{
	return ferror(out) ? -EIO : 0;
}

static int name__print(const char name[TASK_COMM_BYTES], FILE *out)
{
	char text[TASK_COMM_BYTES + 1];

	memcpy(text, name, TASK_COMM_BYTES);
	text[TASK_COMM_BYTES] = '\0';
	return text__print_escaped(text, out);
}

/* Of nobody in particular: no thread had the CPU for long, or the CPU slept. */
static int holder__print(const struct sched_delay *delay, FILE *out)
{
	int err;

	if (!delay->by_thread[0]) {
		fputs("-", out);
		return 0;
	}
	err = name__print(delay->by_thread, out);
	if (delay->by_tid)
		fprintf(out, " %u (pid %u)", delay->by_tid, delay->by_pid);
	return err;
}

int delays_text__print(const struct sched_delay_table *table, uint64_t from_ns, FILE *out)
{
	size_t i;
	int err = 0;

	if (!table->cnt)
		return 0;
	fputs("  The longest waits for a CPU, and who had it the longest meanwhile\n"
	      "        wait       held  cpu      at  thread <- who had the CPU\n",
		out);
	for (i = 0; !err && i < table->cnt; i++) {
		const struct sched_delay *delay = &table->rows[i];

		fprintf(out, "  %8.2fms %8.2fms %4u %6.2fs  ", (double)delay->wait_ns / NS_PER_MS,
			(double)delay->held_ns / NS_PER_MS, delay->cpu,
			delay->at_ns > from_ns ? (double)(delay->at_ns - from_ns) / 1e9 : 0.0);
		err = name__print(delay->thread, out);
		fprintf(out, " %u (pid %u) <- ", delay->tid, delay->pid);
		if (!err)
			err = holder__print(delay, out);
		fputc('\n', out);
	}
	return err ? err : stream__error(out);
}

int delays_text__print_detail(const struct sched_delay_table *table, FILE *out)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < table->cnt; i++) {
		const struct sched_delay *delay = &table->rows[i];

		fprintf(out,
			"  D%u: p=%u wait(us)=%" PRIu64 " held(us)=%" PRIu64
			" pid=%u bym=%u bypid=%u comm=",
			delay->tid, delay->cpu, (uint64_t)delay->wait_ns / NS_PER_US,
			(uint64_t)delay->held_ns / NS_PER_US, delay->pid, delay->by_tid,
			delay->by_pid);
		err = name__print(delay->thread, out);
		fputs(" bycomm=", out);
		if (!err)
			err = name__print(delay->by_thread, out);
		fputc('\n', out);
	}
	return err ? err : stream__error(out);
}
