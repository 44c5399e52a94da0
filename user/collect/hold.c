// SPDX-License-Identifier: GPL-2.0
/* Loads bpf/hold.bpf.c, and lets CMD go on. */
#include "collect/hold.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "collect/elf_code.h"
#include "collect/shared.h"
#include "collect/uprobe.h"
#include "hold.skel.h"
#include "process/proc.h"
#include "process/regular_file.h"
#include "unwind/insn_x86.h"

#define AUXV_MAX        64
#define START_BYTES_MAX 64

struct hold {
	struct shared *shared;
	struct hold_bpf *bpf;
	struct uprobe_links links;
	enum uprobe_kind
		kind; /* perf events ask for CAP_SYS_ADMIN, which has been given up by then */
	pid_t pid;
	enum hold_point at; /* it is held; HOLD_NOWHERE: it runs */
	enum hold_point seen;
	enum hold_point last; /* where it will be held */
};

int hold__open(struct shared *shared, pid_t pid, struct hold **ret)
{
	struct hold *hold = calloc(1, sizeof(*hold));
	struct hold_state state = {.pid = (uint32_t)pid, .next = HOLD_EXEC};
	uint32_t zero = 0;
	int err = -ENOMEM;

	if (!hold)
		return -ENOMEM;
	hold->shared = shared;
	hold->pid = pid;
	hold->bpf = hold_bpf__open();
	if (!hold->bpf) {
		err = -errno;
		goto out;
	}
	hold->kind = uprobe_kind__detect() == UPROBE_PERF ? UPROBE_PERF : UPROBE_MULTI;
	if (hold->kind == UPROBE_MULTI) {
		bpf_program__set_expected_attach_type(
			hold->bpf->progs.hold_linker, (enum bpf_attach_type)UPROBE_ATTACH_MULTI);
		bpf_program__set_expected_attach_type(
			hold->bpf->progs.hold_entry, (enum bpf_attach_type)UPROBE_ATTACH_MULTI);
	}
	bpf_program__set_autoload(hold->bpf->progs.hold_exec, true);
	bpf_program__set_autoload(hold->bpf->progs.hold_linker, true);
	bpf_program__set_autoload(hold->bpf->progs.hold_entry, true);
	err = shared__load(shared, hold->bpf->skeleton);
	if (err)
		goto out;
	if (bpf_map_update_elem(bpf_map__fd(hold->bpf->maps.hold_states), &zero, &state, BPF_ANY)) {
		err = -errno;
		goto out;
	}
	shared__set_held(shared, pid);
	hold->bpf->links.hold_exec = bpf_program__attach(hold->bpf->progs.hold_exec);
	if (!hold->bpf->links.hold_exec) {
		err = -errno;
		goto out;
	}
	*ret = hold;
	return 0;
out:
	hold__close(hold);
	return err;
}

static enum hold_point hold__point(const struct hold *hold)
{
	struct hold_state state;
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(hold->bpf->maps.hold_states), &zero, &state))
		return HOLD_NOWHERE;
	return state.reached;
}

enum hold_point hold__reached(struct hold *hold)
{
	enum hold_point point = hold__point(hold);

	if (point == hold->seen || point == HOLD_OVER)
		return HOLD_NOWHERE;
	hold->seen = hold->at = point;
	return point;
}

/* Where the program's first instruction and its dynamic linker are; false: no dynamic linker runs, or it cannot be told. */
static bool hold__read_auxv(const struct hold *hold, uint64_t *ret_entry, uint64_t *ret_base)
{
	Elf64_auxv_t vector[AUXV_MAX];
	size_t cnt, i;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/auxv", hold->pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	cnt = fread(vector, sizeof(vector[0]), AUXV_MAX, file);
	fclose(file);
	*ret_entry = *ret_base = 0;
	for (i = 0; i < cnt; i++) {
		if (vector[i].a_type == AT_ENTRY)
			*ret_entry = vector[i].a_un.a_val;
		else if (vector[i].a_type == AT_BASE)
			*ret_base = vector[i].a_un.a_val;
	}
	return *ret_entry && *ret_base;
}

/* What the mappings of a process that has just been executed tell: its own and its linker's, no more. */
struct map_search {
	pid_t pid;
	uint64_t entry, base;
	uint64_t entry_offset; /* in the program's file; 0: not found */
	uint64_t linker_start; /* the lowest mapping above base; 0: not found */
	int linker_fd;         /* negative: none */
};

static int map__match(const struct proc_mapping *mapping, void *arg)
{
	struct map_search *search = arg;

	if (search->entry >= mapping->start && search->entry < mapping->end)
		search->entry_offset = search->entry - mapping->start + mapping->offset;
	else if (mapping->path[0] == '/' && mapping->start >= search->base &&
		 (!search->linker_start || mapping->start < search->linker_start)) {
		if (search->linker_fd >= 0)
			close(search->linker_fd);
		search->linker_start = mapping->start;
		search->linker_fd = regular_file__open_in_root(search->pid, mapping->path);
	}
	return 0;
}

static void symbol__match(const char *name, const GElf_Sym *symbol, void *arg)
{
	if (!strcmp(name, "_dl_debug_state"))
		*(uint64_t *)arg = symbol->st_value;
}

/* A probe where the dynamic linker tells debuggers what it has done (glibc and musl alike, elf/link.h: r_brk). */
static bool hold__probe_linker(struct hold *hold, int fd)
{
	struct uprobe_site site = {0};
	struct elf_code code;
	uint64_t addr = 0;
	bool found;

	if (fd < 0 || elf_code__open(fd, &code))
		return false;
	elf_code__each_function(&code, symbol__match, &addr);
	found = addr && elf_code__offset(&code, addr, &site.offset);
	elf_code__close(&code);
	return found && !uprobe_links__add(&hold->links, hold->kind, hold->bpf->progs.hold_linker,
				fd, hold->pid, &site, 1, 0);
}

/* In the program's first instructions the first push: the kernel emulates it, so that the process is not stopped in the copy of
 * an instruction that it would step, an address of no file. */
static uint64_t entry__site(int fd, uint64_t entry)
{
	uint8_t code[START_BYTES_MAX];
	ssize_t bytes = pread(fd, code, sizeof(code), (off_t)entry);

	return entry + (bytes > 0 ? insn__first_push(code, (size_t)bytes) : 0);
}

/* A probe near the program's first instruction, which hits once. */
static bool hold__probe_entry(struct hold *hold, uint64_t offset)
{
	struct uprobe_site site = {0};
	char path[64];
	int fd, err;

	snprintf(path, sizeof(path), "/proc/%d/exe", hold->pid);
	fd = offset ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return false;
	site.offset = entry__site(fd, offset);
	err = uprobe_links__add(
		&hold->links, hold->kind, hold->bpf->progs.hold_entry, fd, hold->pid, &site, 1, 0);
	close(fd);
	return !err;
}

/* False: there is nothing more to wait for. */
static bool hold__probe(struct hold *hold)
{
	struct map_search search = {.pid = hold->pid, .linker_fd = -1};

	if (!hold__read_auxv(hold, &search.entry, &search.base) ||
		proc_maps__each_exec(hold->pid, map__match, &search) < 0)
		return false;
	if (hold__probe_linker(hold, search.linker_fd))
		hold->last = HOLD_LINKER;
	if (hold__probe_entry(hold, search.entry_offset))
		hold->last = HOLD_ENTRY;
	if (search.linker_fd >= 0)
		close(search.linker_fd);
	return hold->last != HOLD_NOWHERE;
}

bool hold__continue(struct hold *hold)
{
	bool more = hold->at == HOLD_EXEC ? hold__probe(hold) : hold->at < hold->last;

	hold->at = HOLD_NOWHERE;
	kill(hold->pid, SIGCONT);
	return more;
}

void hold__close(struct hold *hold)
{
	if (!hold)
		return;
	uprobe_links__close(&hold->links);
	if (hold->bpf) {
		bpf_link__destroy(hold->bpf->links.hold_exec);
		hold->bpf->links.hold_exec = NULL;
		/* It may have been stopped since it was looked at last. Once it was told to go on, it does not stop for us any more. */
		if (hold->at != HOLD_NOWHERE || hold__reached(hold) != HOLD_NOWHERE)
			kill(hold->pid, SIGCONT);
		shared__set_held(hold->shared, 0);
		shared__remove(hold->shared, hold->bpf->obj);
	}
	hold_bpf__destroy(hold->bpf);
	free(hold);
}
