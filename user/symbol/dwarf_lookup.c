// SPDX-License-Identifier: GPL-2.0
/* Walks the units that asked addresses lie in, once each, and answers for all of their
 * addresses. */
#include "symbol/dwarf_lookup.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define DEPTH_MAX 256

/* A function, or a call inlined into the one above it. */
struct scope {
	struct scope *parent;
	struct scope *next_made; /* to free them */
	Dwarf_Die die;
	bool inlined;
};

struct slot {
	Dwarf_Off unit;      /* of the unit's DIE; 0: none */
	struct scope *scope; /* the innermost one */
};

struct lookup {
	Dwarf *dwarf;
	const uint64_t *addresses;
	size_t cnt;
	struct slot *slots;
	struct scope *made; /* for the current unit */
	Dwarf_Off unit;
	int err;
};

static size_t lower_bound(const struct lookup *lookup, uint64_t address)
{
	size_t low = 0, high = lookup->cnt;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (lookup->addresses[middle] < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Calls with each slot in a DIE's ranges: sets its unit, or its scope when there is one. */
static bool cover(struct lookup *lookup, Dwarf_Die *die, struct scope *scope)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;
	bool any = false;

	while ((at = dwarf_ranges(die, at, &base, &start, &end)) > 0) {
		for (size_t i = lower_bound(lookup, start);
			i < lookup->cnt && lookup->addresses[i] < end; i++) {
			if (!scope)
				lookup->slots[i].unit = dwarf_dieoffset(die);
			else if (lookup->slots[i].unit == lookup->unit)
				lookup->slots[i].scope = scope;
			else
				continue;
			any = true;
		}
	}
	return any;
}

static struct scope *scope__new(struct lookup *lookup, Dwarf_Die *die, struct scope *parent)
{
	struct scope *scope = malloc(sizeof(*scope));

	if (!scope) {
		lookup->err = -ENOMEM;
		return NULL;
	}
	*scope = (struct scope){
		.parent = parent,
		.next_made = lookup->made,
		.die = *die,
		.inlined = dwarf_tag(die) == DW_TAG_inlined_subroutine,
	};
	lookup->made = scope;
	return scope;
}

static void visit_children(
	struct lookup *lookup, Dwarf_Die *die, struct scope *scope, unsigned int depth);

static void visit(struct lookup *lookup, Dwarf_Die *die, struct scope *parent, unsigned int depth)
{
	struct scope *scope;

	switch (dwarf_tag(die)) {
	case DW_TAG_subprogram:
	case DW_TAG_inlined_subroutine:
		scope = scope__new(lookup, die, parent);
		if (!scope)
			return;
		if (cover(lookup, die, scope)) {
			visit_children(lookup, die, scope, depth);
		} else {
			/* Most functions were not asked for. */
			lookup->made = scope->next_made;
			free(scope);
		}
		break;
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_lexical_block:
	case DW_TAG_try_block:
	case DW_TAG_catch_block:
		visit_children(lookup, die, parent, depth);
		break;
	default:
		break;
	}
}

static void visit_children(
	struct lookup *lookup, Dwarf_Die *die, struct scope *scope, unsigned int depth)
{
	Dwarf_Die child;

	if (depth == DEPTH_MAX || lookup->err || dwarf_child(die, &child) != 0)
		return;
	do
		visit(lookup, &child, scope, depth + 1);
	while (dwarf_siblingof(&child, &child) == 0);
}

static const char *text_attribute(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute attribute;

	return dwarf_formstring(dwarf_attr_integrate(die, name, &attribute));
}

static uint32_t number_attribute(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;

	if (dwarf_formudata(dwarf_attr_integrate(die, name, &attribute), &value) != 0 ||
		value > INT32_MAX)
		return 0;
	return value;
}

static void name_call(struct scope *scope, struct dwarf_call *call)
{
	call->name = dwarf_diename(&scope->die);
	call->system_name = text_attribute(&scope->die, DW_AT_linkage_name);
	if (!call->system_name)
		call->system_name = text_attribute(&scope->die, DW_AT_MIPS_linkage_name);
	call->start_line = number_attribute(&scope->die, DW_AT_decl_line);
}

/* A relative name is relative to where the compiler ran, be that relative itself: Debian's glibc has
 * ./stdlib/./stdlib/abort.c, and every other reader says so too. */
static void set_file(struct dwarf_call *call, const char *file, const char *compile_dir)
{
	call->file = file;
	if (file && file[0] != '/' && file[0] != '<' && compile_dir && compile_dir[0])
		call->dir = compile_dir;
}

/* From the line table for the innermost call; for an outer one from where the inner was called. */
static uint32_t list_calls(Dwarf_Die *unit, uint64_t address, struct scope *scope,
	struct dwarf_call calls[DWARF_CALLS_MAX])
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, address);
	const char *compile_dir = text_attribute(unit, DW_AT_comp_dir);
	Dwarf_Files *files = NULL;
	uint32_t cnt = 0;
	int number = 0;

	if (!line && !scope)
		return 0;
	calls[0] = (struct dwarf_call){0};
	if (line) {
		set_file(&calls[0], dwarf_linesrc(line, NULL, NULL), compile_dir);
		if (dwarf_lineno(line, &number) == 0 && number > 0)
			calls[0].line = number;
	}
	for (; scope; scope = scope->parent) {
		uint32_t file;

		name_call(scope, &calls[cnt++]);
		if (!scope->inlined || cnt == DWARF_CALLS_MAX)
			break;
		calls[cnt] = (struct dwarf_call){0};
		calls[cnt].line = number_attribute(&scope->die, DW_AT_call_line);
		file = number_attribute(&scope->die, DW_AT_call_file);
		if (files || dwarf_getsrcfiles(unit, &files, NULL) == 0)
			set_file(&calls[cnt], dwarf_filesrc(files, file, NULL, NULL), compile_dir);
	}
	return cnt ? cnt : 1;
}

/* The addresses of one unit follow each other but for other units' between them. */
static void answer_unit(struct lookup *lookup, size_t first, dwarf_answer_fn *answer, void *arg)
{
	struct dwarf_call calls[DWARF_CALLS_MAX];
	Dwarf_Die unit;

	lookup->unit = lookup->slots[first].unit;
	if (!dwarf_offdie(lookup->dwarf, lookup->unit, &unit))
		return;
	visit_children(lookup, &unit, NULL, 0);
	for (size_t i = first; i < lookup->cnt; i++) {
		uint32_t cnt;

		if (lookup->slots[i].unit != lookup->unit)
			continue;
		cnt = list_calls(&unit, lookup->addresses[i], lookup->slots[i].scope, calls);
		if (cnt)
			answer(i, calls, cnt, arg);
		lookup->slots[i].unit = 0;
	}
	while (lookup->made) {
		struct scope *next = lookup->made->next_made;

		free(lookup->made);
		lookup->made = next;
	}
}

int dwarf_lookup(int fd, const uint64_t *addresses, size_t cnt, dwarf_answer_fn *answer, void *arg)
{
	struct lookup lookup = {.addresses = addresses, .cnt = cnt};
	Dwarf_Off offset = 0, next;
	size_t header_bytes;

	lookup.dwarf = dwarf_begin(fd, DWARF_C_READ);
	if (!lookup.dwarf)
		return -ENOENT;
	lookup.slots = calloc(cnt ? cnt : 1, sizeof(*lookup.slots));
	if (!lookup.slots) {
		lookup.err = -ENOMEM;
		goto out;
	}
	/* .debug_aranges would be quicker, but not every compiler writes it. */
	while (dwarf_nextcu(lookup.dwarf, offset, &next, &header_bytes, NULL, NULL, NULL) == 0) {
		Dwarf_Die unit;

		if (dwarf_offdie(lookup.dwarf, offset + header_bytes, &unit))
			cover(&lookup, &unit, NULL);
		if (next <= offset)
			break;
		offset = next;
	}
	for (size_t i = 0; i < cnt && lookup.err == 0; i++)
		if (lookup.slots[i].unit)
			answer_unit(&lookup, i, answer, arg);
out:
	free(lookup.slots);
	dwarf_end(lookup.dwarf);
	return lookup.err;
}
