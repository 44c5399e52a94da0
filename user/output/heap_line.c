// SPDX-License-Identifier: GPL-2.0
/* The heap line in the words of Go's gctrace. */
#include "output/heap_line.h"

#include <errno.h>
#include <inttypes.h>

#include "output/text.h"

#define NS_PER_S 1000000000ull
#define MB_SHIFT 20 /* gctrace's megabytes are 2^20 bytes */

/* Estimates from samples may pass 0 for a moment. */
static uint64_t megabytes(int64_t bytes)
{
	return bytes > 0 ? ((uint64_t)bytes + (1u << (MB_SHIFT - 1))) >> MB_SHIFT : 0;
}

static uint64_t per_second(uint64_t cnt, uint64_t interval_ns)
{
	return interval_ns ? (uint64_t)((double)cnt * NS_PER_S / (double)interval_ns + 0.5) : 0;
}

int heap_line__print(const struct heap_line *line, FILE *out)
{
	int err = 0;

	fprintf(out, "heap %" PRIu64 " @%" PRIu64 ".%03" PRIu64 "s ", line->number,
		(uint64_t)(line->age_ns / NS_PER_S), (uint64_t)(line->age_ns % NS_PER_S / 1000000));
	if (line->allocator_percent < 0)
		fputs("-: ", out);
	else
		fprintf(out, "%d%%: ", line->allocator_percent);
	fprintf(out,
		"%" PRIu64 "+%" PRIu64 " ops/s, %" PRIu64 "->%" PRIu64 "->%" PRIu64 " MB, %" PRIu64
		" MB allocated, %" PRId64 " objects, %" PRIu64 " MB rss, ",
		per_second(line->alloc_cnt, line->interval_ns),
		per_second(line->free_cnt, line->interval_ns), megabytes(line->start_bytes),
		megabytes(line->peak_bytes), megabytes(line->end_bytes),
		megabytes((int64_t)line->alloc_bytes), line->objects > 0 ? line->objects : 0,
		megabytes((int64_t)line->rss_bytes));
	if (line->limit_bytes)
		fprintf(out, "%" PRIu64 " MB limit", megabytes((int64_t)line->limit_bytes));
	else
		fputs("- limit", out);
	fprintf(out, ", %u P lost=%" PRIu64, line->cpu_cnt, line->lost_cnt);
	if (line->names_process) {
		fprintf(out, " pid=%u comm=", line->pid);
		err = text__print_escaped(line->comm, out);
	}
	fputc('\n', out);
	return err ? err : ferror(out) ? -EIO : 0;
}

int heap_summary__print(const struct heap_summary *summary, FILE *out)
{
	fprintf(out,
		"heap: %" PRIu64 " allocs, %" PRIu64 " B allocated, %" PRId64 " B peak, %" PRId64
		" B in %" PRId64 " objects still in use\n",
		summary->alloc_cnt, summary->alloc_bytes, summary->peak_bytes,
		summary->in_use_bytes > 0 ? summary->in_use_bytes : 0,
		summary->in_use_objects > 0 ? summary->in_use_objects : 0);
	return ferror(out) ? -EIO : 0;
}
