// SPDX-License-Identifier: GPL-2.0
/* Names for kernel addresses from one pass over /proc/kallsyms, without keeping its table. */
#include "symbol/kallsyms.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbol/line_reader.h"
#include "symbol/mapping.h"
#include "symbol/source.h"

#define MODULE_BYTES_MAX 64 /* MODULE_NAME_LEN */
#define MODULES_MAX      4096
/* No function is longer: an address farther behind the last symbol before it lies in no code. */
#define FUNCTION_BYTES_MAX (1u << 20)

bool kallsym__parse(const char *line, size_t len, struct kallsym *ret)
{
	struct kallsym symbol = {.module = ""};
	const char *end = line + len, *p = line, *space;

	for (; p < end && p - line < 16 && *p != ' '; p++) {
		unsigned int digit;

		if (*p >= '0' && *p <= '9')
			digit = *p - '0';
		else if (*p >= 'a' && *p <= 'f')
			digit = *p - 'a' + 10;
		else
			return false;
		symbol.address = symbol.address << 4 | digit;
	}
	if (p == line || end - p < 4 || p[0] != ' ' || p[2] != ' ')
		return false;
	symbol.type = p[1];
	symbol.name = p + 3;
	space = memchr(symbol.name, '\t', end - symbol.name);
	symbol.name_len = (space ? space : end) - symbol.name;
	if (symbol.name_len == 0)
		return false;
	if (space) {
		p = space + 1;
		if (end - p < 3 || p[0] != '[' || end[-1] != ']')
			return false;
		symbol.module = p + 1;
		symbol.module_len = end - p - 2;
	}
	*ret = symbol;
	return true;
}

struct each {
	void (*fn)(const struct kallsym *symbol, void *arg);
	void *arg;
};

static bool each_line(const char *line, size_t len, void *arg)
{
	const struct each *each = arg;
	struct kallsym symbol;

	if (kallsym__parse(line, len, &symbol))
		each->fn(&symbol, each->arg);
	return true;
}

int kallsyms__each(int fd, void (*fn)(const struct kallsym *symbol, void *arg), void *arg)
{
	struct each each = {fn, arg};

	return line_reader__each(fd, SIZE_MAX, each_line, &each);
}

static bool is_text(char type)
{
	return type == 't' || type == 'T' || type == 'w' || type == 'W';
}

/* The best symbol so far for an address: the nearest one at or below it. */
struct slot {
	uint64_t symbol_address;
	char *name;
	size_t name_len;
	size_t name_size; /* allocated */
	char type;        /* 0: none yet */
	uint16_t module;  /* index into modules; 0: the kernel itself */
};

struct module {
	char name[MODULE_BYTES_MAX + 3]; /* "[name]" */
	uint64_t start, limit;           /* of its text symbols */
	uint32_t mapping;                /* UINT32_MAX: not made yet */
};

struct search {
	const struct symbol_batch *batch;
	struct slot *slots; /* one a location */
	struct module *modules;
	size_t module_cnt;
	size_t last_module;
	uint64_t text_start, text_end; /* _stext, _etext */
	bool seen_address;
	int err;
};

static size_t leading_underscores(const char *name, size_t len)
{
	size_t cnt = 0;

	while (cnt < len && name[cnt] == '_')
		cnt++;
	return cnt;
}

/*
 * Which of two symbols at one address gives the name: text over data, global or weak over local,
 * fewer leading underscores, the shorter, the first in the alphabet. So the choice is the same each
 * time, and it is the name that a reader of the source knows.
 */
static bool is_better(const struct kallsym *symbol, const struct slot *slot)
{
	bool local = symbol->type >= 'a', slot_local = slot->type >= 'a';
	size_t underscores, slot_underscores;

	if (symbol->address != slot->symbol_address)
		return symbol->address > slot->symbol_address;
	if (is_text(symbol->type) != is_text(slot->type))
		return is_text(symbol->type);
	local = local && symbol->type != 'w';
	slot_local = slot_local && slot->type != 'w';
	if (local != slot_local)
		return slot_local;
	underscores = leading_underscores(symbol->name, symbol->name_len);
	slot_underscores = leading_underscores(slot->name, slot->name_len);
	if (underscores != slot_underscores)
		return underscores < slot_underscores;
	if (symbol->name_len != slot->name_len)
		return symbol->name_len < slot->name_len;
	return memcmp(symbol->name, slot->name, symbol->name_len) < 0;
}

/* Index of the module in the table, added when it is new; 0 is the kernel, also past the cap. */
static size_t find_module(struct search *search, const struct kallsym *symbol)
{
	struct module *module;

	if (symbol->module_len == 0 || symbol->module_len > MODULE_BYTES_MAX)
		return 0;
	/* A module's symbols follow each other. */
	for (size_t i = 0; i <= search->module_cnt; i++) {
		size_t at = i ? i : search->last_module;

		if (at == 0)
			continue;
		module = &search->modules[at - 1];
		if (memcmp(module->name + 1, symbol->module, symbol->module_len) == 0 &&
			module->name[symbol->module_len + 1] == ']' &&
			module->name[symbol->module_len + 2] == '\0')
			return search->last_module = at;
	}
	if (search->module_cnt == MODULES_MAX)
		return 0;
	if ((search->module_cnt & (search->module_cnt - 1)) == 0) {
		module = reallocarray(search->modules,
			search->module_cnt ? search->module_cnt * 2 : 1, sizeof(*module));
		if (!module) {
			search->err = -ENOMEM;
			return 0;
		}
		search->modules = module;
	}
	module = &search->modules[search->module_cnt++];
	*module = (struct module){.start = UINT64_MAX, .mapping = UINT32_MAX};
	module->name[0] = '[';
	memcpy(module->name + 1, symbol->module, symbol->module_len);
	module->name[symbol->module_len + 1] = ']';
	return search->last_module = search->module_cnt;
}

/* Index of the first location at or above address. */
static size_t lower_bound(const struct symbol_batch *batch, uint64_t address)
{
	size_t low = 0, high = batch->cnt;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (batch->locations[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void put(struct search *search, struct slot *slot, const struct kallsym *symbol)
{
	if (slot->name_size < symbol->name_len) {
		char *name = realloc(slot->name, symbol->name_len + 32);

		if (!name) {
			search->err = -ENOMEM;
			return;
		}
		slot->name = name;
		slot->name_size = symbol->name_len + 32;
	}
	memcpy(slot->name, symbol->name, symbol->name_len);
	slot->name_len = symbol->name_len;
	slot->symbol_address = symbol->address;
	slot->type = symbol->type;
	slot->module = find_module(search, symbol);
}

/* Sizes are not in the list: a symbol ends where the next one of any type begins. So each symbol is
 * put to the first address that it may cover, and what that address has is carried on later. */
static void add_symbol(const struct kallsym *symbol, void *arg)
{
	struct search *search = arg;
	struct slot *slot;
	size_t i;

	if (search->err || symbol->address == 0)
		return;
	search->seen_address = true;
	if (symbol->module_len == 0) {
		if (symbol->name_len == 6 && memcmp(symbol->name, "_stext", 6) == 0)
			search->text_start = symbol->address;
		if (symbol->name_len == 6 && memcmp(symbol->name, "_etext", 6) == 0)
			search->text_end = symbol->address;
	} else if (is_text(symbol->type)) {
		size_t index = find_module(search, symbol);

		if (index) {
			struct module *module = &search->modules[index - 1];

			if (symbol->address < module->start)
				module->start = symbol->address;
			if (symbol->address >= module->limit)
				module->limit = symbol->address + 1;
		}
	}
	i = lower_bound(search->batch, symbol->address);
	if (i == search->batch->cnt)
		return;
	slot = &search->slots[i];
	if (slot->type == 0 || is_better(symbol, slot))
		put(search, slot, symbol);
}

static int map_module(struct symbol_batch *batch, struct module *module)
{
	const uint64_t page = 4095;
	struct symbol_mapping mapping = {
		.path = module->name,
		.build_id = "",
		.start = module->start & ~page,
		.limit = (module->limit + page) & ~page,
	};

	return symbols__add_mapping(batch->symbols, &mapping, &module->mapping);
}

static int name_locations(struct symbol_batch *batch, struct search *search)
{
	const struct slot *nearest = NULL, *named = NULL;

	for (size_t i = 0; i < batch->cnt; i++) {
		struct symbol_location *location = &batch->locations[i];
		struct module *module;
		int err;

		if (search->slots[i].type)
			nearest = &search->slots[i];
		if (!nearest || !is_text(nearest->type) ||
			location->address - nearest->symbol_address >= FUNCTION_BYTES_MAX)
			continue;
		if (nearest == named) {
			location->lines = location[-1].lines;
			location->line_cnt = location[-1].line_cnt;
			location->mapping = location[-1].mapping;
			if (location->line_cnt)
				continue;
		}
		err = symbol_batch__set_name(batch, location, nearest->name, nearest->name_len);
		if (err)
			return err;
		named = nearest;
		if (!nearest->module)
			continue;
		module = &search->modules[nearest->module - 1];
		err = module->mapping == UINT32_MAX ? map_module(batch, module) : 0;
		if (err)
			return err;
		location->mapping = module->mapping;
	}
	return 0;
}

static int map_kernel(struct symbol_batch *batch, const struct search *search)
{
	struct symbol_mapping mapping = {
		.path = "[kernel.kallsyms]",
		.build_id = "",
		.start = search->text_start,
		.limit = search->text_end,
	};
	uint32_t index = UINT32_MAX;

	/* Code outside of it (an address that hides in no symbol) gets a mapping of its own. */
	for (size_t i = 0; i < batch->cnt; i++) {
		struct symbol_location *location = &batch->locations[i];
		int err;

		if (location->mapping != UINT32_MAX || location->address < mapping.start ||
			location->address >= mapping.limit)
			continue;
		err = index == UINT32_MAX ? symbols__add_mapping(batch->symbols, &mapping, &index)
					  : 0;
		if (err)
			return err;
		location->mapping = index;
	}
	return 0;
}

static int resolve(struct symbol_batch *batch)
{
	const char *path = batch->options->kallsyms_path;
	struct search search = {.batch = batch};
	int fd, err = -ENOMEM;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		batch->symbols->kernel_reason = "/proc/kallsyms cannot be opened";
		return err;
	}
	search.slots = calloc(batch->cnt, sizeof(*search.slots));
	if (!search.slots)
		goto out;
	err = kallsyms__each(fd, add_symbol, &search);
	err = err ? err : search.err;
	if (err)
		goto out;
	if (!search.seen_address) {
		batch->symbols->kernel_reason =
			"the addresses in /proc/kallsyms are hidden: set "
			"kernel.kptr_restrict to 1 or 0, or give CAP_SYSLOG";
		goto out;
	}
	err = name_locations(batch, &search);
	err = err ? err : map_kernel(batch, &search);
out:
	if (err && err != -ENOMEM)
		batch->symbols->kernel_reason = "/proc/kallsyms cannot be read";
	for (size_t i = 0; search.slots && i < batch->cnt; i++)
		free(search.slots[i].name);
	free(search.slots);
	free(search.modules);
	close(fd);
	return err;
}

const struct symbol_source symbol_source_kallsyms = {
	.name = "kallsyms",
	.kind = SYMBOL_BATCH_KERNEL,
	.resolve = resolve,
};
