/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's side of a BPF program, faked: helpers, maps, a user address space. A test includes this file, then the
 * .bpf.c under test, and calls its SEC functions. Compile with -Itests/bpf/fake before libbpf's directory, -Ivmlinux,
 * -iquote bpf and -D__TARGET_ARCH_x86.
 *
 * Between any two things that a program does to memory that others see (helper calls, atomics), fake__step() runs, so a
 * test can let another CPU act at each of these points: fake.step_fn is called at point number fake.step_at.
 */
#ifndef FAKE_BPF_H
#define FAKE_BPF_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* vmlinux.h has its own */
#undef bool
#undef true
#undef false
#ifdef __clang__
#define preserve_access_index annotate("preserve_access_index")
#endif
#include <vmlinux.h>

/* ---- what libbpf's headers define ---- */
#define SEC(name)
#undef __always_inline
#define __always_inline      inline __attribute__((always_inline, unused))
#define __uint(name, value)  int(*name)[value]
#define __type(name, value)  __typeof__(value) *name
#define __array(name, value) __typeof__(value) *name[]
#undef __noinline
#define __noinline __attribute__((noinline))
#define __hidden
#define __weak __attribute__((weak))
#define __ksym
#define barrier_var(variable) __asm__ volatile("" : "=r"(variable) : "0"(variable))
#define BPF_PROG(name, ...)   name(__VA_ARGS__)

/* ---- maps ---- */
#define FAKE_CPUS     4
#define FAKE_MAPS_MAX 64
#define FAKE_REGS_MAX 64

struct fake_map {
	const void *map; /* the variable in the program */
	u32 type;
	u32 max_entries;
	u32 key_size, value_size;
	u32 stride;            /* of values: 8-byte aligned, as the kernel's are */
	unsigned char *values; /* arrays: one after the other, per CPU; hashes: one an entry */
	unsigned char *keys;
	u64 *order;
	u32 cnt;
	bool fails; /* updates fail, as when the kernel has no memory */
};

struct fake_record {
	u32 bytes;
	u64 flags;
	unsigned char data[sizeof(u64) * 700];
};

#define FAKE_RECORDS_MAX 256
#define FAKE_PAGE_BYTES  4096ull
#define FAKE_PAGES_MAX   512

struct fake_page {
	u64 addr;
	bool is_readable;
	unsigned char data[FAKE_PAGE_BYTES];
};

static struct {
	struct fake_map maps[FAKE_MAPS_MAX];
	u32 map_cnt;
	u64 order;
	u32 cpu;
	u64 now_ns, boot_ns;
	u64 cgroup;
	struct task_struct *task;
	struct pt_regs *task_regs;
	/* Of other tasks. */
	struct {
		struct task_struct *task;
		struct pt_regs *regs;
	} other_regs[FAKE_REGS_MAX];
	u32 other_regs_cnt;
	u64 kernel_stack[256];
	long kernel_stack_cnt; /* or -errno */
	struct fake_record records[FAKE_RECORDS_MAX];
	u32 record_cnt;
	u64 ring_bytes, ring_used;
	struct fake_page *pages;
	u32 page_cnt;
	u64 user_read_cnt;
	bool core_field_exists;
	u64 cookie;       /* of the probe that is hit */
	u64 random_state; /* bpf_get_prandom_u32() goes on from it */
	/* The point at which another CPU acts. */
	u32 step;
	u32 step_at;
	void (*step_fn)(void);
	bool in_step;
} fake;

static __attribute__((unused)) void fake__step(void)
{
	if (fake.in_step)
		return;
	fake.step++;
	if (!fake.step_fn || fake.step != fake.step_at)
		return;
	fake.in_step = true;
	fake.step_fn();
	fake.in_step = false;
}

static struct fake_map *fake_map__find(const void *map)
{
	u32 i;

	for (i = 0; i < fake.map_cnt; i++)
		if (fake.maps[i].map == map)
			return &fake.maps[i];
	fail_msg("a map that the test did not add with FAKE_MAP()");
	return NULL;
}

static struct fake_map *fake_map__add(
	const void *map, u32 type, u32 max_entries, u32 key_size, u32 value_size)
{
	struct fake_map *fake_map = &fake.maps[fake.map_cnt++];
	u32 copies = type == BPF_MAP_TYPE_PERCPU_ARRAY ? FAKE_CPUS : 1;

	assert_true(fake.map_cnt <= FAKE_MAPS_MAX);
	memset(fake_map, 0, sizeof(*fake_map));
	fake_map->map = map;
	fake_map->type = type;
	fake_map->max_entries = max_entries;
	fake_map->key_size = key_size;
	fake_map->value_size = value_size;
	if (type == BPF_MAP_TYPE_RINGBUF) {
		fake.ring_bytes = max_entries;
		return fake_map;
	}
	fake_map->stride = (value_size + 7) & ~7u;
	fake_map->values = calloc((size_t)max_entries * copies, fake_map->stride);
	fake_map->keys = calloc(max_entries, key_size);
	fake_map->order = calloc(max_entries, sizeof(u64));
	assert_non_null(fake_map->values);
	assert_non_null(fake_map->keys);
	assert_non_null(fake_map->order);
	return fake_map;
}

/* Sizes as the program declares them. A map without __type(value) has value_size. */
#define FAKE_MAP(map)                                                                              \
	fake_map__add(&(map), sizeof(*(map).type) / sizeof(int),                                   \
		sizeof(*(map).max_entries) / sizeof(int), sizeof(*(map).key),                      \
		sizeof(*(map).value))
#define FAKE_MAP_SIZED(map, entries)                                                               \
	fake_map__add(&(map), sizeof(*(map).type) / sizeof(int), entries, sizeof(*(map).key),      \
		sizeof(*(map).value))
#define FAKE_RINGBUF(map, bytes) fake_map__add(&(map), BPF_MAP_TYPE_RINGBUF, bytes, 0, 0)

static bool fake_map__is_array(const struct fake_map *map)
{
	return map->type == BPF_MAP_TYPE_ARRAY || map->type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       map->type == BPF_MAP_TYPE_ARRAY_OF_MAPS;
}

static long fake_map__index(const struct fake_map *map, const void *key)
{
	u32 i;

	if (fake_map__is_array(map)) {
		i = *(const u32 *)key;
		return i < map->max_entries ? (long)i : -1;
	}
	for (i = 0; i < map->max_entries; i++)
		if (map->order[i] &&
			!memcmp(map->keys + (size_t)i * map->key_size, key, map->key_size))
			return i;
	return -1;
}

static __attribute__((unused)) void *fake_map__lookup(
	const void *map_variable, const void *key, u32 cpu)
{
	struct fake_map *map = fake_map__find(map_variable);
	long i = fake_map__index(map, key);

	if (i < 0)
		return NULL;
	if (map->type == BPF_MAP_TYPE_PERCPU_ARRAY)
		i += (long)cpu * map->max_entries;
	if (map->type == BPF_MAP_TYPE_ARRAY_OF_MAPS)
		return *(void **)(map->values + (size_t)i * map->stride);
	return map->values + (size_t)i * map->stride;
}

static __attribute__((unused)) void *bpf_map_lookup_elem(const void *map, const void *key)
{
	void *value;

	fake__step();
	value = fake_map__lookup(map, key, fake.cpu);
	fake__step();
	return value;
}

static __attribute__((unused)) long bpf_map_update_elem(
	const void *map_variable, const void *key, const void *value, u64 flags)
{
	struct fake_map *map = fake_map__find(map_variable);
	long i, oldest = -1;
	u32 slot;

	fake__step();
	i = fake_map__index(map, key);
	if (i >= 0 && flags == BPF_NOEXIST)
		return -EEXIST;
	if (i < 0 && flags == BPF_EXIST)
		return -ENOENT;
	if (map->fails)
		return -ENOMEM;
	if (i < 0) {
		assert_false(fake_map__is_array(map));
		for (slot = 0; slot < map->max_entries && i < 0; slot++) {
			if (!map->order[slot])
				i = slot;
			else if (oldest < 0 || map->order[slot] < map->order[oldest])
				oldest = slot;
		}
		if (i < 0 && map->type != BPF_MAP_TYPE_LRU_HASH)
			return -E2BIG;
		if (i < 0)
			i = oldest;
		else
			map->cnt++;
		memcpy(map->keys + (size_t)i * map->key_size, key, map->key_size);
		map->order[i] = ++fake.order;
	}
	memcpy(map->values + (size_t)i * map->stride, value, map->value_size);
	fake__step();
	return 0;
}

static __attribute__((unused)) long bpf_map_delete_elem(const void *map_variable, const void *key)
{
	struct fake_map *map = fake_map__find(map_variable);
	long i = fake_map__index(map, key);

	fake__step();
	if (i < 0)
		return -ENOENT;
	map->order[i] = 0;
	map->cnt--;
	return 0;
}

/* ---- user memory: pages that the test maps; all else faults ---- */
static struct fake_page *fake_page__find(u64 addr)
{
	u32 i;

	for (i = 0; i < fake.page_cnt; i++)
		if (fake.pages[i].addr == (addr & ~(FAKE_PAGE_BYTES - 1)))
			return &fake.pages[i];
	return NULL;
}

static __attribute__((unused)) void fake_user__map(u64 addr, u64 bytes)
{
	u64 page;

	for (page = addr & ~(FAKE_PAGE_BYTES - 1); page < addr + bytes; page += FAKE_PAGE_BYTES) {
		if (fake_page__find(page))
			continue;
		assert_true(fake.page_cnt < FAKE_PAGES_MAX);
		memset(&fake.pages[fake.page_cnt], 0, sizeof(*fake.pages));
		fake.pages[fake.page_cnt].addr = page;
		fake.pages[fake.page_cnt++].is_readable = true;
	}
}

static __attribute__((unused)) void fake_user__protect(u64 addr, bool is_readable)
{
	struct fake_page *page = fake_page__find(addr);

	assert_non_null(page);
	page->is_readable = is_readable;
}

static __attribute__((unused)) void fake_user__write(u64 addr, const void *data, u64 bytes)
{
	u64 i;

	fake_user__map(addr, bytes);
	for (i = 0; i < bytes; i++)
		fake_page__find(addr + i)->data[(addr + i) & (FAKE_PAGE_BYTES - 1)] = ((
			const unsigned char *)data)[i];
}

static __attribute__((unused)) void fake_user__write_u64(u64 addr, u64 value)
{
	fake_user__write(addr, &value, sizeof(value));
}

static __attribute__((unused)) long bpf_probe_read_user(void *to, u32 bytes, const void *from)
{
	u64 addr = (u64)from, i;

	fake.user_read_cnt++;
	for (i = 0; i < bytes; i++) {
		struct fake_page *page = fake_page__find(addr + i);

		if (!page || !page->is_readable) {
			memset(to, 0, bytes);
			return -EFAULT;
		}
		((unsigned char *)to)[i] = page->data[(addr + i) & (FAKE_PAGE_BYTES - 1)];
	}
	return 0;
}

/* ---- kernel memory: plain, but a null pointer reads as 0 ---- */
static __attribute__((unused)) long bpf_core_read(void *to, u32 bytes, const void *from)
{
	if ((u64)from < FAKE_PAGE_BYTES) {
		memset(to, 0, bytes);
		return -EFAULT;
	}
	memcpy(to, from, bytes);
	return 0;
}

#define bpf_probe_read_kernel      bpf_core_read
#define bpf_core_type_size(type)   sizeof(type)
#define bpf_core_field_exists(...) (fake.core_field_exists)
#define bpf_core_type_exists(type) (fake.core_field_exists)

#define FAKE_READ_1(s, a)                                                                          \
	({                                                                                         \
		__typeof__(s) s1 = (s);                                                            \
		s1 ? s1->a : (__typeof__(s1->a))0;                                                 \
	})
#define FAKE_READ_2(s, a, b)                                                                       \
	({                                                                                         \
		__typeof__((s)->a) s2 = FAKE_READ_1(s, a);                                         \
		s2 ? s2->b : (__typeof__(s2->b))0;                                                 \
	})
#define FAKE_READ_3(s, a, b, c)                                                                    \
	({                                                                                         \
		__typeof__((s)->a->b) s3 = FAKE_READ_2(s, a, b);                                   \
		s3 ? s3->c : (__typeof__(s3->c))0;                                                 \
	})
#define FAKE_READ_4(s, a, b, c, d)                                                                 \
	({                                                                                         \
		__typeof__((s)->a->b->c) s4 = FAKE_READ_3(s, a, b, c);                             \
		s4 ? s4->d : (__typeof__(s4->d))0;                                                 \
	})
#define FAKE_READ_N(s, a, b, c, d, name, ...) name
#define BPF_CORE_READ(...)                                                                         \
	FAKE_READ_N(__VA_ARGS__, FAKE_READ_4, FAKE_READ_3, FAKE_READ_2, FAKE_READ_1)(__VA_ARGS__)

/* ---- the rest of the helpers ---- */
static __attribute__((unused)) long bpf_loop(u32 cnt, void *fn, void *ctx, u64 flags)
{
	long (*callback)(u32, void *) = (long (*)(u32, void *))fn;
	u32 i;

	assert_int_equal(flags, 0);
	if (cnt > 1 << 23)
		return -E2BIG;
	for (i = 0; i < cnt; i++)
		if (callback(i, ctx))
			return i + 1;
	return i;
}

static __attribute__((unused)) struct task_struct *bpf_get_current_task_btf(void)
{
	return fake.task;
}

static __attribute__((unused)) u64 bpf_get_current_pid_tgid(void)
{
	return (u64)(u32)fake.task->tgid << 32 | (u32)fake.task->pid;
}

static __attribute__((unused)) u64 bpf_get_current_cgroup_id(void)
{
	return fake.cgroup;
}

static __attribute__((unused)) u32 bpf_get_smp_processor_id(void)
{
	return fake.cpu;
}

static __attribute__((unused)) u64 bpf_ktime_get_ns(void)
{
	return fake.now_ns;
}

static __attribute__((unused)) u64 bpf_ktime_get_boot_ns(void)
{
	return fake.boot_ns;
}

static __attribute__((unused)) u64 bpf_get_attach_cookie(void *ctx)
{
	assert_non_null(ctx);
	return fake.cookie;
}

static __attribute__((unused)) u32 bpf_get_prandom_u32(void)
{
	fake.random_state = fake.random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(fake.random_state >> 32);
}

struct pt_regs;
static __attribute__((unused)) long bpf_task_pt_regs(struct task_struct *task)
{
	u32 i;

	for (i = 0; i < fake.other_regs_cnt; i++)
		if (fake.other_regs[i].task == task)
			return (long)fake.other_regs[i].regs;
	assert_ptr_equal(task, fake.task);
	return (long)fake.task_regs;
}

static __attribute__((unused)) void fake__add_regs(struct task_struct *task, struct pt_regs *regs)
{
	assert_true(fake.other_regs_cnt < FAKE_REGS_MAX);
	fake.other_regs[fake.other_regs_cnt].task = task;
	fake.other_regs[fake.other_regs_cnt++].regs = regs;
}

static __attribute__((unused)) long bpf_get_stack(void *ctx, void *to, u32 bytes, u64 flags)
{
	long cnt = fake.kernel_stack_cnt;

	assert_non_null(ctx);
	assert_in_range(flags, 0, 255); /* so many frames to leave out */
	if (cnt < 0)
		return cnt;
	cnt -= (u64)cnt < flags ? cnt : (long)flags;
	if ((u64)cnt * sizeof(u64) > bytes)
		cnt = bytes / sizeof(u64);
	memcpy(to, fake.kernel_stack + flags, (u64)cnt * sizeof(u64));
	memset((char *)to + (u64)cnt * sizeof(u64), 0, bytes - (u64)cnt * sizeof(u64));
	return cnt * (long)sizeof(u64);
}

static __attribute__((unused)) long bpf_ringbuf_output(void *map, void *data, u64 bytes, u64 flags)
{
	struct fake_record *record = &fake.records[fake.record_cnt];
	u64 need = (bytes + 8 + 7) & ~7ull;

	fake_map__find(map);
	fake__step();
	if (fake.ring_used + need > fake.ring_bytes)
		return -EAGAIN;
	assert_true(fake.record_cnt < FAKE_RECORDS_MAX && bytes <= sizeof(record->data));
	fake.ring_used += need;
	record->bytes = (u32)bytes;
	record->flags = flags;
	memcpy(record->data, data, bytes);
	fake.record_cnt++;
	return 0;
}

static __attribute__((unused)) u64 bpf_ringbuf_query(void *map, u64 flags)
{
	fake_map__find(map);
	return flags == BPF_RB_AVAIL_DATA  ? fake.ring_used
	       : flags == BPF_RB_RING_SIZE ? fake.ring_bytes
					   : 0;
}

/* What an iterator writes goes nowhere. */
static __attribute__((unused)) long bpf_seq_write(void *seq, const void *data, u32 bytes)
{
	(void)seq, (void)data, (void)bytes;
	return 0;
}

static __attribute__((unused)) void *bpf_task_storage_get(
	void *map, struct task_struct *task, void *value, u64 flags)
{
	static const unsigned char zeros[512];
	struct fake_map *fake_map = fake_map__find(map);
	void *found = fake_map__lookup(map, &task, 0);

	if (found || !(flags & BPF_LOCAL_STORAGE_GET_F_CREATE))
		return found;
	assert_true(fake_map->value_size <= sizeof(zeros));
	if (bpf_map_update_elem(map, &task, value ? value : zeros, BPF_ANY))
		return NULL;
	return fake_map__lookup(map, &task, 0);
}

/* Atomics, with points before and after. In clang they are builtins that a macro may hide all the same. */
#define __sync_fetch_and_add(pointer, value)                                                       \
	({                                                                                         \
		__typeof__(*(pointer)) fake_old;                                                   \
		fake__step();                                                                      \
		fake_old = __atomic_fetch_add(pointer, value, __ATOMIC_SEQ_CST);                   \
		fake__step();                                                                      \
		fake_old;                                                                          \
	})
#define __sync_val_compare_and_swap(pointer, old, new)                                             \
	({                                                                                         \
		__typeof__(*(pointer)) fake_expected = (old);                                      \
		fake__step();                                                                      \
		__atomic_compare_exchange_n(                                                       \
			pointer, &fake_expected, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);  \
		fake__step();                                                                      \
		fake_expected;                                                                     \
	})
#define __sync_lock_test_and_set(pointer, value)                                                   \
	__atomic_exchange_n(pointer, value, __ATOMIC_SEQ_CST)

/* ---- for tests ---- */

/* A program's options are const and volatile: read from memory each time, in a page that is made writable here. */
static __attribute__((unused)) void fake__set_const(
	const volatile void *variable, const void *value, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), i;
	char *first = (char *)((uintptr_t)variable & ~(page - 1));
	size_t length = (size_t)((char *)(uintptr_t)variable + bytes - first);

	assert_int_equal(mprotect(first, length, PROT_READ | PROT_WRITE), 0);
	for (i = 0; i < bytes; i++)
		((volatile unsigned char *)(uintptr_t)variable)[i] = ((
			const unsigned char *)value)[i];
}

static __attribute__((unused)) void fake__reset(void)
{
	struct fake_page *pages = fake.pages;
	u32 i;

	for (i = 0; i < fake.map_cnt; i++) {
		free(fake.maps[i].values);
		free(fake.maps[i].keys);
		free(fake.maps[i].order);
	}
	if (!pages)
		pages = calloc(FAKE_PAGES_MAX, sizeof(*pages));
	memset(&fake, 0, sizeof(fake));
	fake.pages = pages;
	fake.core_field_exists = true;
}

#endif
