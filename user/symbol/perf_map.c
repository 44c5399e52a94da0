// SPDX-License-Identifier: GPL-2.0
/* Names for JIT code from perf maps, read once per process when a profile is written. */
#include "symbol/perf_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbol/line_reader.h"
#include "symbol/perf_map_keep.h"
#include "symbol/source.h"

#define NAME_BYTES_MAX 1024
#define STEPS_MAX      (1u << 24)

static bool parse_hex(const char **p, const char *end, uint64_t *ret)
{
	uint64_t value = 0;
	unsigned int digits = 0;

	if (end - *p > 2 && (*p)[0] == '0' && ((*p)[1] == 'x' || (*p)[1] == 'X'))
		*p += 2;
	for (; *p < end && digits <= 16; (*p)++, digits++) {
		char c = **p;

		if (c >= '0' && c <= '9')
			value = value << 4 | (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			value = value << 4 | ((c | 0x20) - 'a' + 10);
		else
			break;
	}
	if (digits == 0 || digits > 16 || *p == end || **p != ' ')
		return false;
	while (*p < end && **p == ' ')
		(*p)++;
	*ret = value;
	return true;
}

bool perf_map_entry__parse(const char *line, size_t len, struct perf_map_entry *ret)
{
	const char *p = line, *end = line + len;
	struct perf_map_entry entry;

	while (end > line && (end[-1] == '\r' || end[-1] == ' '))
		end--;
	if (!parse_hex(&p, end, &entry.start) || !parse_hex(&p, end, &entry.bytes) || p == end)
		return false;
	entry.name = p;
	entry.name_len = end - p;
	*ret = entry;
	return true;
}

/* A location and the name it has so far. */
struct slot {
	struct symbol_location *location;
	char *name;
	size_t name_len, name_size;
};

struct search {
	struct slot *slots; /* of one process, by address */
	size_t cnt;
	unsigned int steps;
	int err;
};

static int compare(const void *a, const void *b)
{
	const struct symbol_location *x = ((const struct slot *)a)->location;
	const struct symbol_location *y = ((const struct slot *)b)->location;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return x->address < y->address ? -1 : x->address > y->address;
}

static int put(struct slot *slot, const struct perf_map_entry *entry)
{
	size_t len = entry->name_len < NAME_BYTES_MAX ? entry->name_len : NAME_BYTES_MAX;

	if (len > slot->name_size) {
		char *name = realloc(slot->name, len + 32);

		if (!name)
			return -ENOMEM;
		slot->name = name;
		slot->name_size = len + 32;
	}
	memcpy(slot->name, entry->name, len);
	slot->name_len = len;
	return 0;
}

/* Code that was compiled later lies over code that was there before: the last entry wins. */
static bool add_line(const char *line, size_t len, void *arg)
{
	struct search *search = arg;
	struct perf_map_entry entry;
	size_t low = 0, high = search->cnt;

	if (!perf_map_entry__parse(line, len, &entry))
		return true;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (search->slots[middle].location->address < entry.start)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < search->cnt &&
		search->slots[low].location->address - entry.start < entry.bytes;
		low++) {
		search->err = put(&search->slots[low], &entry);
		if (search->err || ++search->steps > STEPS_MAX)
			return false;
	}
	return true;
}

static int name_process(struct symbol_batch *batch, struct search *search)
{
	const struct symbol_location *location = search->slots->location;
	int fd, err;

	/* As it is now; as it was when its process ended; what is left of one in our own /tmp. */
	fd = perf_map__open_live(batch->options->proc_dir, location->pid, location->start_ns);
	if (fd < 0)
		fd = perf_maps__open(batch->options->perf_maps, location->pid, location->start_ns);
	if (fd < 0)
		fd = perf_map__open(batch->options->proc_dir, location->pid, location->start_ns);
	if (fd < 0)
		return 0; /* most processes have none */
	err = line_reader__each(fd, batch->options->file_bytes_max, add_line, search);
	close(fd);
	if (search->err)
		return search->err;
	for (size_t i = 0; err != -ENOMEM && i < search->cnt; i++) {
		struct slot *slot = &search->slots[i];

		if (slot->name_len && slot->location->line_cnt == 0 &&
			symbol_batch__set_name(batch, slot->location, slot->name, slot->name_len))
			return -ENOMEM;
	}
	return 0;
}

static int resolve(struct symbol_batch *batch)
{
	struct slot *slots = calloc(batch->cnt, sizeof(*slots));
	int err = 0;

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < batch->cnt; i++)
		slots[i].location = &batch->locations[i];
	qsort(slots, batch->cnt, sizeof(*slots), compare);
	for (size_t first = 0, end; err == 0 && first < batch->cnt; first = end) {
		struct search search = {.slots = slots + first};

		for (end = first + 1; end < batch->cnt; end++)
			if (slots[end].location->pid != slots[first].location->pid ||
				slots[end].location->start_ns != slots[first].location->start_ns)
				break;
		search.cnt = end - first;
		err = name_process(batch, &search);
		for (size_t i = first; i < end; i++) {
			free(slots[i].name);
			slots[i].name = NULL;
		}
	}
	for (size_t i = 0; i < batch->cnt; i++)
		free(slots[i].name);
	free(slots);
	return err;
}

const struct symbol_source symbol_source_perf_map = {
	.name = "perf_map",
	.kind = SYMBOL_BATCH_RAW,
	.resolve = resolve,
};
