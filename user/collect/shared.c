// SPDX-License-Identifier: GPL-2.0
/* Maps shared by all BPF objects: the first object that is loaded creates them, the others get their descriptors. */
#include "collect/shared.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "collect/shared_private.h"

#define PAGE_BYTES 4096u

/* In the order of bpf/maps.bpf.h. */
static const char *const shared_names[SHARED_CNT] = {"controls", "epoch_users", "counters",
	"targets", "process_slices", "mapping_slices", "mapping_rows", "stack_ring",
	"stacks_shipped", "scratches", "unwind_files", "unwind_pages", "unwind_rules",
	"unwind_chunks"};
_Static_assert(
	sizeof(shared_names) / sizeof(shared_names[0]) == SHARED_CNT, "one name a shared map");

#define COUNTER_NAME(name, is_loss, text) #name,
const char *const counter_names[COUNTER__CNT] = {COUNTERS(COUNTER_NAME)};
#define COUNTER_TEXT(name, is_loss, text) text,
const char *const counter_texts[COUNTER__CNT] = {COUNTERS(COUNTER_TEXT)};
#define COUNTER_IS_LOSS(name, is_loss, text) is_loss,
const bool counter_is_loss[COUNTER__CNT] = {COUNTERS(COUNTER_IS_LOSS)};

/* The inode of the daemon's pid namespace; 0: it is the initial one, whose number the kernel fixes
 * (PROC_PID_INIT_INO, include/linux/proc_ns.h). */
static uint32_t pidns__inum(void)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) || st.st_ino == 0xeffffffcu)
		return 0;
	return (uint32_t)st.st_ino;
}

static uint32_t next_power_of_two(uint32_t value)
{
	uint32_t power = 1;

	while (power < value && power < 1u << 31)
		power *= 2;
	return power;
}

static void sizes__default(struct shared_sizes *sizes, uint32_t cpu_cnt)
{
	if (!sizes->ring_bytes)
		sizes->ring_bytes = next_power_of_two((cpu_cnt < 32 ? cpu_cnt : 32) * 256 * 1024);
	if (!sizes->samples_max)
		sizes->samples_max = cpu_cnt < 8 ? 8192 : 1024 * (cpu_cnt < 64 ? cpu_cnt : 64);
	if (!sizes->stacks_max)
		sizes->stacks_max = 2 * sizes->samples_max;
	if (!sizes->processes_max)
		sizes->processes_max = 16384;
	if (!sizes->mapping_rows_max)
		sizes->mapping_rows_max = 65536;
	if (!sizes->unwind_chunks_max)
		sizes->unwind_chunks_max = 80; /* 20 MiB: 5 million rows */
}

int shared__new(
	const struct prog_options *options, const struct shared_sizes *sizes, struct shared **ret)
{
	struct shared *shared = calloc(1, sizeof(*shared));
	int cpu_cnt = libbpf_num_possible_cpus();
	size_t i;

	if (!shared)
		return -ENOMEM;
	if (cpu_cnt < 0) {
		free(shared);
		return cpu_cnt;
	}
	shared->options = *options;
	shared->options.cpu_cnt = (uint32_t)cpu_cnt;
	if (getrandom(&shared->options.hash_seed, sizeof(shared->options.hash_seed),
		    GRND_NONBLOCK) < 0)
		shared->options.hash_seed = (uint64_t)getpid() * 0x9e3779b97f4a7c15ull;
	shared->options.pidns_inum = pidns__inum();
	shared->sizes = *sizes;
	sizes__default(&shared->sizes, (uint32_t)cpu_cnt);
	for (i = 0; i < SHARED_CNT; i++)
		shared->fds[i] = -1;
	*ret = shared;
	return 0;
}

void shared__free(struct shared *shared)
{
	size_t i;

	if (!shared)
		return;
	for (i = 0; i < SHARED_CNT; i++) {
		if (shared->memory[i])
			munmap(shared->memory[i], shared->memory_bytes[i]);
		if (shared->fds[i] >= 0)
			close(shared->fds[i]);
	}
	free(shared);
}

const struct prog_options *shared__options(const struct shared *shared)
{
	return &shared->options;
}

const struct shared_sizes *shared__sizes(const struct shared *shared)
{
	return &shared->sizes;
}

static int name__index(const char *name)
{
	size_t i;

	for (i = 0; i < SHARED_CNT; i++)
		if (!strcmp(name, shared_names[i]))
			return (int)i;
	return -1;
}

/* A map's size for this host; 0: as the object says. */
static uint32_t map__entries(const struct shared *shared, const char *name)
{
	if (!strcmp(name, "stack_ring"))
		return shared->sizes.ring_bytes;
	if (!strcmp(name, "stacks_shipped"))
		return shared->sizes.stacks_max;
	if (!strcmp(name, "epoch_users"))
		return shared->options.cpu_cnt;
	if (!strcmp(name, "process_slices") || !strcmp(name, "mapping_slices"))
		return shared->sizes.processes_max;
	if (!strcmp(name, "mapping_rows"))
		return shared->sizes.mapping_rows_max;
	if (!strcmp(name, "unwind_chunks"))
		return shared->sizes.unwind_chunks_max;
	if (strstr(name, "_samples_"))
		return shared->sizes.samples_max;
	return 0;
}

/* Where `options` lies in the object's rodata, which other constants share: clang orders them by their first use. */
static int object__options_offset(const struct bpf_object *object)
{
	const struct btf *btf = bpf_object__btf(object);
	const struct btf_var_secinfo *info;
	const struct btf_type *section;
	int id, i;

	id = btf ? btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC) : -ENOENT;
	if (id < 0)
		return id;
	section = btf__type_by_id(btf, (uint32_t)id);
	info = btf_var_secinfos(section);
	for (i = 0; i < btf_vlen(section); i++, info++) {
		const struct btf_type *var = btf__type_by_id(btf, info->type);

		if (!strcmp(btf__name_by_offset(btf, var->name_off), "options"))
			return (int)info->offset;
	}
	return -ENOENT;
}

static int object__set_options(const struct shared *shared, struct bpf_object *object)
{
	int offset = object__options_offset(object);
	struct bpf_map *map;
	size_t bytes;
	char *data;

	if (offset < 0)
		return offset;
	bpf_object__for_each_map(map, object)
	{
		if (!strstr(bpf_map__name(map), ".rodata"))
			continue;
		/* const only since the map may be read-only to programs: before the load it is ours to fill */
		data = (char *)bpf_map__initial_value(map, &bytes);
		if (!data || bytes < (size_t)offset + sizeof(shared->options))
			return -EINVAL;
		memcpy(data + offset, &shared->options, sizeof(shared->options));
		return 0;
	}
	return -EINVAL;
}

static int shared__prepare(struct shared *shared, struct bpf_object *object)
{
	int err = object__set_options(shared, object), index;
	struct bpf_map *map;
	uint32_t entries;

	if (err)
		return err;
	bpf_object__for_each_map(map, object)
	{
		entries = map__entries(shared, bpf_map__name(map));
		if (entries) {
			err = bpf_map__set_max_entries(map, entries);
			if (err)
				return err;
		}
		index = name__index(bpf_map__name(map));
		if (index < 0 || shared->fds[index] < 0)
			continue;
		err = bpf_map__reuse_fd(map, shared->fds[index]);
		if (err)
			return err;
	}
	return 0;
}

/* Keeps the descriptors of shared maps that this object was the first to make. */
static int shared__adopt(struct shared *shared, struct bpf_object *object)
{
	struct bpf_map *map;
	int index, fd;

	if (shared->object_cnt == OBJECTS_MAX)
		return -ENOSPC;
	bpf_object__for_each_map(map, object)
	{
		index = name__index(bpf_map__name(map));
		if (index < 0 || shared->fds[index] >= 0)
			continue;
		fd = dup(bpf_map__fd(map));
		if (fd < 0)
			return -errno;
		shared->fds[index] = fd;
	}
	shared->objects[shared->object_cnt++] = object;
	if (!shared->control) {
		shared->control = shared__mmap(shared, "controls", NULL);
		shared->users = shared__mmap(shared, "epoch_users", NULL);
		if (!shared->control || !shared->users)
			return -errno;
	}
	return 0;
}

int shared__load(struct shared *shared, struct bpf_object_skeleton *skeleton)
{
	int err = shared__prepare(shared, *skeleton->obj);

	if (!err)
		err = bpf_object__load_skeleton(skeleton);
	return err ? err : shared__adopt(shared, *skeleton->obj);
}

void shared__remove(struct shared *shared, struct bpf_object *object)
{
	int i;

	for (i = 0; i < shared->object_cnt; i++) {
		if (shared->objects[i] != object)
			continue;
		shared->objects[i] = shared->objects[--shared->object_cnt];
		return;
	}
}

int shared__map_fd(const struct shared *shared, const char *name)
{
	int index = name__index(name);

	return index < 0 ? -ENOENT : shared->fds[index];
}

void *shared__mmap(struct shared *shared, const char *name, uint32_t *ret_entries)
{
	struct bpf_map_info info = {0};
	uint32_t info_bytes = sizeof(info);
	int index = name__index(name);
	void *memory;
	size_t bytes;

	if (index < 0 || shared->fds[index] < 0) {
		errno = ENOENT;
		return NULL;
	}
	if (bpf_obj_get_info_by_fd(shared->fds[index], &info, &info_bytes))
		return NULL;
	bytes = (size_t)info.max_entries * ((info.value_size + 7) & ~7u);
	bytes = (bytes + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
	if (ret_entries)
		*ret_entries = info.max_entries;
	if (shared->memory[index])
		return shared->memory[index];
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, shared->fds[index], 0);
	if (memory == MAP_FAILED)
		return NULL;
	shared->memory[index] = memory;
	shared->memory_bytes[index] = bytes;
	return memory;
}

uint32_t shared__map_entries(const struct shared *shared, const char *name)
{
	struct bpf_map_info info = {0};
	uint32_t info_bytes = sizeof(info);

	return bpf_obj_get_info_by_fd(shared__map_fd(shared, name), &info, &info_bytes)
		       ? 0
		       : info.max_entries;
}

int shared__add_target(struct shared *shared, uint32_t pid)
{
	uint32_t one = 1;

	return bpf_map_update_elem(shared__map_fd(shared, "targets"), &pid, &one, BPF_ANY) ? -errno
											   : 0;
}

int shared__find_target(const struct shared *shared, uint32_t pid)
{
	uint32_t value;

	return bpf_map_lookup_elem(shared__map_fd(shared, "targets"), &pid, &value) ? -errno : 0;
}

int shared__forget_stacks(struct shared *shared)
{
	enum { BATCH = 4096 }; /* above the size of any bucket */
	int fd = shared__map_fd(shared, "stacks_shipped"), err = 0;
	uint64_t *hashes = calloc(BATCH, sizeof(*hashes));
	uint8_t *values = calloc(BATCH, sizeof(*values));
	uint32_t cursor, *in = NULL, cnt;

	if (!hashes || !values)
		err = -ENOMEM;
	while (!err) {
		cnt = BATCH;
		err = bpf_map_lookup_and_delete_batch(fd, in, &cursor, hashes, values, &cnt, NULL);
		in = &cursor;
	}
	free(hashes);
	free(values);
	return err == -ENOENT ? 0 : err;
}

void shared__set_held(struct shared *shared, pid_t pid)
{
	__atomic_store_n(&shared->control->held_pid, (uint32_t)pid, __ATOMIC_SEQ_CST);
}

uint32_t shared__epoch(const struct shared *shared)
{
	return __atomic_load_n(&shared->control->epoch, __ATOMIC_SEQ_CST);
}

int shared__flip(struct shared *shared)
{
	return (int)(__atomic_fetch_add(&shared->control->epoch, 1, __ATOMIC_SEQ_CST) & 1);
}

bool shared__is_quiet(const struct shared *shared, int parity)
{
	uint32_t cpu;

	/* exit is read first: a program that enters between the two reads makes the epoch look busy, never quiet. */
	for (cpu = 0; cpu < shared->options.cpu_cnt; cpu++) {
		uint64_t exit_cnt = __atomic_load_n(
			&shared->users[cpu].exit[parity], __ATOMIC_SEQ_CST);

		if (__atomic_load_n(&shared->users[cpu].enter[parity], __ATOMIC_SEQ_CST) !=
			exit_cnt)
			return false;
	}
	return true;
}

int shared__read_counters(const struct shared *shared, struct counter_values *ret)
{
	struct counter_values *values = calloc(shared->options.cpu_cnt, sizeof(*values)), sum = {0};
	uint32_t zero = 0, cpu;
	int i, err = 0;

	if (!values)
		return -ENOMEM;
	if (bpf_map_lookup_elem(shared__map_fd(shared, "counters"), &zero, values))
		err = -errno;
	for (cpu = 0; !err && cpu < shared->options.cpu_cnt; cpu++)
		for (i = 0; i < COUNTER__CNT; i++)
			sum.cnt[i] += values[cpu].cnt[i];
	free(values);
	if (!err)
		*ret = sum;
	return err;
}
