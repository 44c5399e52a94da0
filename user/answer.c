// SPDX-License-Identifier: GPL-2.0
/* Writing what was read. */
#include "answer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "comments.h"
#include "process/cgroup.h"
#include "process/clock.h"
#include "process/proc.h"
#include "symbol/symbols.h"

#define NS_PER_S 1000000000ull

int answer__init(struct answer *answer, const struct capture *capture, const char *profile,
	uint32_t pid, bool with_kernel)
{
	uint64_t tick_ns = proc_stat__tick_ns(), start_ns;
	struct proc_stat stat;

	*answer = (struct answer){.capture = capture,
		.pid = pid,
		.born_max_ns = UINT64_MAX,
		.with_kernel = with_kernel};
	snprintf(answer->profile, sizeof(answer->profile), "%s", profile);
	if (!pid)
		return 0;
	if (proc_stat__read((pid_t)pid, &stat))
		return -ESRCH;
	/* /proc has the start in ticks, rounded down; another owner of the pid starts after this one's end. */
	start_ns = stat.start_ticks * tick_ns;
	answer->born_min_ns = start_ns > tick_ns ? start_ns - tick_ns : 0;
	answer->born_max_ns = clock__ns(CLOCK_BOOTTIME);
	return 0;
}

static bool answer__wants(const struct answer *answer, const struct sample_key *key)
{
	if (!answer->pid)
		return true;
	return key->pid == answer->pid && key->start_ns <= answer->born_max_ns &&
	       (!key->start_ns || key->start_ns >= answer->born_min_ns);
}

struct selection {
	const struct answer *answer;
	struct profile *profile;
};

static int selection__add(const struct sample *sample, void *arg)
{
	struct selection *selection = arg;

	if (!answer__wants(selection->answer, &sample->key))
		return 0;
	return profile__add(selection->profile, &sample->key, sample->values);
}

/* A copy of those samples of from that were asked for. NULL: out of memory. */
static struct profile *answer__select(const struct answer *answer, const struct profile *from)
{
	struct profile_limits limits = {.samples_max = profile__sample_cnt(from) + 1};
	struct selection selection = {.answer = answer,
		.profile = profile__new(
			profile_kind__find(answer->profile), from->stacks, &limits)};

	if (!selection.profile)
		return NULL;
	selection.profile->time_ns = from->time_ns;
	selection.profile->duration_ns = from->duration_ns;
	selection.profile->period = from->period;
	selection.profile->dropped_cnt = from->dropped_cnt;
	if (profile__each(from, selection__add, &selection)) {
		profile__free(selection.profile);
		return NULL;
	}
	return selection.profile;
}

/* What /proc/kallsyms hides from other users must not come out here: where the kernel lies. */
static void symbols__hide_kernel(struct symbols *symbols)
{
	size_t i;

	for (i = 0; i < symbols->location_cnt; i++) {
		struct symbol_location *location = &symbols->locations[i];

		if (!(location->frame & FRAME_KERNEL) || location->frame & FRAME_FILE)
			continue;
		location->address = location->function_start = 0;
		if (location->mapping < symbols->mapping_cnt) {
			struct symbol_mapping *mapping = &symbols->mappings[location->mapping];

			mapping->start = mapping->limit = mapping->offset = 0;
		}
	}
}

static const char *cgroup__path_of(uint64_t cgroup, void *arg)
{
	return cgroups__path(arg, cgroup);
}

static void answer__comment(const struct answer *answer, const struct profile *profile,
	const char *collector, unsigned int unread_cnt, struct comments *comments)
{
	time_t start = (time_t)(profile->time_ns / (int64_t)NS_PER_S);
	struct tm utc;
	char text[40];

	comments__fill(comments, answer->capture, collector, answer->pid);
	if (answer->pid)
		comments__add(comments, "pid %" PRIu32, answer->pid);
	if (!answer->tapped && gmtime_r(&start, &utc) &&
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc))
		comments__add(comments, "counting since %s, for %.3f s", text,
			(double)profile->duration_ns / 1e9);
	if (unread_cnt)
		comments__add(
			comments, "files_unread %u (their functions have no names)", unread_cnt);
}

int answer__write(const struct answer *answer, serve_write_fn write, void *write_arg, FILE *out)
{
	const char *collector = strcmp(answer->profile, "allocs") ? answer->profile : "heap";
	const struct profile *from = answer->tapped ? answer->tapped
						    : capture__profile(answer->capture, collector);
	struct profile *profile = from ? answer__select(answer, from) : NULL;
	struct comments *comments = calloc(1, sizeof(*comments));
	struct cgroups *cgroups = cgroups__new();
	struct symbols_options symbols_options = {.perf_maps = capture__perf_maps(answer->capture)};
	struct output_source source = {
		.profile = profile, .cgroup_path = cgroup__path_of, .cgroup_arg = cgroups};
	struct symbols *symbols = NULL;
	unsigned int unread_cnt = 0;
	int err = profile && comments ? symbols__resolve(profile, capture__files(answer->capture),
						&symbols_options, &symbols, &unread_cnt)
				      : -ENOMEM;

	if (!err) {
		if (!answer->with_kernel)
			symbols__hide_kernel(symbols);
		answer__comment(answer, profile, collector, unread_cnt, comments);
		source.symbols = symbols;
		source.comments = comments->pointers;
		source.comment_cnt = comments->cnt;
		err = write(&source, write_arg, out);
		symbols__free(symbols);
	}
	cgroups__free(cgroups);
	free(comments);
	profile__free(profile);
	return err;
}

/* ---- /debug/pprof/symbol ---- */

/* An address of a process, or of the kernel, as a frame; 0: it is in nothing that is known. */
static uint64_t frame_of(const struct image *image, uint64_t address)
{
	const struct mapping_row *row;

	if (address >> 63)
		return (address & ~(1ull << 63)) | FRAME_KERNEL;
	row = image ? image__find(image, address) : NULL;
	if (!row)
		return 0;
	if (!row->file_id)
		return address;
	return FRAME_FILE | (uint64_t)row->file_id << FRAME_ADDR_BITS |
	       ((address - row->bias) & FRAME_ADDR_MASK);
}

/* A profile whose samples are the addresses, each a stack of one frame: what symbols__resolve() reads. */
static int symbols__of_addresses(const struct capture *capture, const struct process *process,
	const uint64_t *addresses, size_t cnt, struct symbols **ret)
{
	struct stack_table *stacks = stack_table__new(NULL);
	struct profile *profile = stacks ? profile__new(&profile_kind_threads, stacks, NULL) : NULL;
	struct stack *stack = calloc(1, sizeof(*stack) + sizeof(uint64_t));
	struct symbols_options options = {.perf_maps = capture__perf_maps(capture)};
	uint64_t one = 1;
	unsigned int unread_cnt;
	int err = profile && stack ? 0 : -ENOMEM;
	size_t i;

	for (i = 0; i < cnt && !err; i++) {
		struct sample_key key = {.stack = i + 1,
			.pid = process ? process->pid : 0,
			.start_ns = process ? process->start_ns : 0};

		stack->hash = i + 1;
		stack->frames[0] = frame_of(process ? process->image : NULL, addresses[i]);
		stack->kernel_cnt = (stack->frames[0] & (FRAME_FILE | FRAME_KERNEL)) ==
				    FRAME_KERNEL;
		stack->user_cnt = !stack->kernel_cnt;
		if (!stack->frames[0])
			continue;
		err = stack_table__add(stacks, stack);
		if (!err)
			err = profile__add(profile, &key, &one);
	}
	if (!err)
		err = symbols__resolve(
			profile, capture__files(capture), &options, ret, &unread_cnt);
	free(stack);
	profile__free(profile);
	stack_table__free(stacks);
	return err;
}

int answer__write_symbols(const struct capture *capture, uint32_t pid, const uint64_t *addresses,
	size_t cnt, bool with_kernel, FILE *out)
{
	const struct process *process = pid ? processes__find(capture__processes(capture), pid)
					    : NULL;
	const struct symbol_location *location;
	struct symbols *symbols = NULL;
	int err = symbols__of_addresses(capture, process, addresses, cnt, &symbols);
	uint64_t frame;
	size_t i;

	if (err)
		return err;
	fputs("num_symbols: 1\n", out);
	for (i = 0; i < cnt; i++) {
		frame = frame_of(process ? process->image : NULL, addresses[i]);
		if (!frame || (!with_kernel && addresses[i] >> 63))
			continue;
		location = symbols__find(symbols, frame, process ? process->pid : 0,
			process ? process->start_ns : 0);
		if (location && location->line_cnt)
			fprintf(out, "%#" PRIx64 " %s\n", addresses[i],
				location->lines[location->line_cnt - 1].function);
	}
	symbols__free(symbols);
	return 0;
}
