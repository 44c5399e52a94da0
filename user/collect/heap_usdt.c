// SPDX-License-Identifier: GPL-2.0
/* The probes by which a file tells of the allocations that it samples by itself. */
#include "collect/heap_usdt.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#define PROVIDER "otel_memory"

static void usdt__add(const char *name, const struct usdt_probe *probe, void *arg)
{
	bool allocates = !strcmp(name, "alloc"), frees = !strcmp(name, "free");
	struct heap_usdt *usdt = arg;

	if (!allocates && !frees)
		return; /* mmap and munmap: the contract does not use them yet */
	if (usdt->cnt == HEAP_USDT_PROBES_MAX || probe->argument_cnt < (allocates ? 3 : 1)) {
		usdt->refused_cnt++;
		return;
	}
	usdt->probes[usdt->cnt++] = (struct heap_usdt_probe){.frees = frees, .probe = *probe};
	usdt->alloc_cnt += allocates;
}

int heap_usdt__read(int fd, struct heap_usdt *ret)
{
	struct elf_code code;
	int err = elf_code__open(fd, &code);

	if (err)
		return err;
	*ret = (struct heap_usdt){0};
	ret->refused_cnt += usdt__each(&code, PROVIDER, usdt__add, ret);
	elf_code__close(&code);
	return ret->alloc_cnt ? 0 : -ENOENT;
}

static int table__add(
	struct heap_usdt_table *table, const struct usdt_arguments *arguments, uint32_t *ret_index)
{
	uint32_t i;

	for (i = 0; i < table->cnt; i++)
		if (!memcmp(&table->entries[i], arguments, sizeof(*arguments)))
			break;
	if (i == HEAP_USDT_MAX)
		return -ENOSPC;
	if (i == table->cnt) {
		if (bpf_map_update_elem(table->map_fd, &i, arguments, BPF_ANY))
			return -errno;
		table->entries[table->cnt++] = *arguments;
	}
	*ret_index = i;
	return 0;
}

int heap_usdt__publish(struct heap_usdt *usdt, struct heap_usdt_table *table)
{
	uint32_t i;
	int err = 0;

	for (i = 0; !err && i < usdt->cnt; i++)
		err = table__add(
			table, &usdt->probes[i].probe.arguments, &usdt->probes[i].arguments_index);
	return err;
}
