// SPDX-License-Identifier: GPL-2.0
/* Builds tables one after the other and keeps them in the kernel's maps. */
#include "unwind/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "process/slots.h"
#include "unwind/cfi.h"
#include "unwind/chunks.h"

#define FDES_A_STEP       1000  /* 0.3 ms */
#define EVICT_AGE_TURNS   10    /* a table that was used in so many turns stays */
#define NO_ROOM_TURNS     60    /* then it is tried again */
#define FILE_PAGES_MAX    16384 /* 1 GiB of addresses */
#define SAVING_CHUNKS_MIN 8     /* 2 MiB: the tables of a host's common libraries */

/* What is known of one file's table. */
struct table_state {
	const char *reason; /* refused; else NULL */
	uint32_t used_turn;
	uint32_t row_cnt;
	bool is_queued;
	bool is_urgent;
	bool has_no_room;
	bool is_waiting; /* for the next turn: programs may still read what was evicted */
};

struct unwind_store {
	struct unwind_store_maps maps;
	const struct files *files;
	struct unwind_rules *rules;
	uint32_t rule_cnt; /* copied to the kernel */
	struct chunks *chunks;
	struct slots *page_slots;
	struct table_state *states; /* by file id */
	uint32_t *queue;            /* file ids, a ring of file_max */
	uint32_t queue_first, queue_cnt;
	struct cfi_parser *parser; /* of the file being built */
	uint32_t building;         /* its id; 0: none */
	struct unwind_table
		*placing; /* what was built; its pages below placed_cnt are in the kernel */
	uint32_t placed_cnt, placing_first_page;
	uint32_t epoch;
	uint32_t turn;
	uint32_t evicted_cnt;
	uint64_t build_ns;
	bool is_saving; /* memory: nothing is built ahead of time */
};

struct unwind_store *unwind_store__new(
	const struct unwind_store_maps *maps, const struct files *files)
{
	struct unwind_store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->maps = *maps;
	store->files = files;
	store->rules = unwind_rules__new();
	store->chunks = chunks__new(maps->chunks_fd, maps->chunk_max);
	store->page_slots = slots__new(maps->page_max, 1);
	store->states = calloc(maps->file_max, sizeof(*store->states));
	store->queue = calloc(maps->file_max, sizeof(*store->queue));
	if (!store->rules || !store->chunks || !store->page_slots || !store->states ||
		!store->queue) {
		unwind_store__free(store);
		return NULL;
	}
	return store;
}

void unwind_store__free(struct unwind_store *store)
{
	if (!store)
		return;
	cfi_parser__free(store->parser);
	unwind_table__free(store->placing);
	chunks__free(store->chunks);
	slots__free(store->page_slots);
	unwind_rules__free(store->rules);
	free(store->states);
	free(store->queue);
	free(store);
}

static uint64_t clock__now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* BPF reads state first: everything else of the file is in place before it says READY. */
static void file__set_state(struct unwind_store *store, uint32_t id, uint32_t state)
{
	__atomic_store_n(&store->maps.files[id].state, state, __ATOMIC_SEQ_CST);
}

void unwind_store__request(struct unwind_store *store, uint32_t file_id, bool is_urgent)
{
	struct table_state *state;
	uint32_t current;

	if (!file_id || file_id >= store->maps.file_max)
		return;
	state = &store->states[file_id];
	current = store->maps.files[file_id].state;
	state->is_urgent |= is_urgent;
	if (state->is_queued || (current != UNWIND_NEW && current != UNWIND_WANTED))
		return;
	state->is_queued = true;
	store->queue[(store->queue_first + store->queue_cnt++) % store->maps.file_max] = file_id;
}

/* From the next turn on the file can be asked for again. */
static void file__wait_turn(struct unwind_store *store, uint32_t id)
{
	store->states[id].is_waiting = true;
	file__set_state(store, id, UNWIND_REFUSED);
}

/* Takes the file's rows out of the kernel; BPF asks for them again when it needs them. */
static void table__evict(struct unwind_store *store, uint32_t id)
{
	struct unwind_file *file = &store->maps.files[id];
	uint32_t i;

	file__wait_turn(store, id);
	for (i = 0; i < file->page_cnt; i++) {
		const struct unwind_page_rows *page = &store->maps.pages[file->first_page + i];

		if (page->cnt)
			chunks__give(store->chunks, page->row, page->cnt, store->epoch);
	}
	slots__give(store->page_slots, file->first_page, file->page_cnt, store->epoch);
	store->states[id].row_cnt = 0;
	store->evicted_cnt++;
}

/* Evicts the table that has not been used for longest. False: all are in use. */
static bool store__evict_oldest(struct unwind_store *store)
{
	uint32_t id, oldest = 0, oldest_age = EVICT_AGE_TURNS;

	for (id = 1; id < store->maps.file_max && id <= files__cnt(store->files); id++) {
		uint32_t age = store->turn - store->states[id].used_turn;

		if (store->maps.files[id].state != UNWIND_READY || age <= oldest_age)
			continue;
		oldest = id;
		oldest_age = age;
	}
	if (!oldest)
		return false;
	table__evict(store, oldest);
	return true;
}

static void store__copy_rules(struct unwind_store *store)
{
	uint32_t cnt = unwind_rules__cnt(store->rules);

	for (; store->rule_cnt < cnt && store->rule_cnt < store->maps.rule_max; store->rule_cnt++)
		store->maps.rules[store->rule_cnt] = *unwind_rules__get(
			store->rules, store->rule_cnt);
}

/* Gives back what a table that did not fit as a whole had taken. */
static void pages__give(struct unwind_store *store, uint32_t first_page, uint32_t page_cnt)
{
	uint32_t i;

	for (i = 0; i < page_cnt; i++)
		if (store->maps.pages[first_page + i].cnt)
			chunks__give(store->chunks, store->maps.pages[first_page + i].row,
				store->maps.pages[first_page + i].cnt, store->epoch);
	slots__give(store->page_slots, first_page, page_cnt, store->epoch);
}

static uint32_t table__page_cnt(const struct unwind_table *table)
{
	return table->pages[table->page_cnt - 1].number - table->pages[0].number + 1;
}

/* Room for the table's pages in the kernel. 0, -ENOSPC, -E2BIG. */
static int place__begin(struct unwind_store *store, struct unwind_table *table)
{
	uint32_t page_cnt = table__page_cnt(table);
	int err;

	if (page_cnt > FILE_PAGES_MAX)
		return -E2BIG;
	err = slots__take(store->page_slots, page_cnt, &store->placing_first_page);
	if (err)
		return err;
	memset(&store->maps.pages[store->placing_first_page], 0,
		page_cnt * sizeof(*store->maps.pages));
	store->placing = table;
	store->placed_cnt = 0;
	return 0;
}

/* Writes the rows of the table's next page: a new chunk takes the kernel 10 ms. 0, -ENOSPC, -errno. */
static int place__page(struct unwind_store *store)
{
	const struct unwind_table *table = store->placing;
	const struct unwind_page *page = &table->pages[store->placed_cnt];
	struct unwind_page_rows rows = {.cnt = page->row_cnt};
	int err = chunks__take(store->chunks, page->row_cnt, &rows.row);

	if (err)
		return err;
	chunks__write(store->chunks, rows.row, &table->rows[page->first_row], page->row_cnt);
	store->maps.pages[store->placing_first_page + page->number - table->pages[0].number] = rows;
	store->placed_cnt++;
	return 0;
}

/* From here on programs use the table. */
static void place__finish(struct unwind_store *store)
{
	uint32_t id = store->building;
	struct unwind_file *file = &store->maps.files[id];

	store__copy_rules(store);
	file->first_number = store->placing->pages[0].number;
	file->first_page = store->placing_first_page;
	file->page_cnt = table__page_cnt(store->placing);
	store->states[id].row_cnt = store->placing->row_cnt;
	store->states[id].used_turn = store->turn;
	file__set_state(store, id, UNWIND_READY);
}

static void table__refuse(struct unwind_store *store, uint32_t id, const char *reason)
{
	store->states[id].reason = reason;
	file__set_state(store, id, UNWIND_REFUSED);
}

/* No room now: tried again in a while, when others may have gone. */
static void table__no_room(struct unwind_store *store, uint32_t id)
{
	store->states[id].has_no_room = true;
	store->states[id].used_turn = store->turn;
	table__refuse(store, id, "no room in the budget for unwind rows");
}

static void place__fail(struct unwind_store *store, int err)
{
	uint32_t id = store->building;

	if (err != -ENOSPC)
		table__refuse(store, id,
			err == -E2BIG ? "code is spread over more than 1 GiB"
				      : "cannot make a map");
	/* What is evicted now may be written over after the next turn only. */
	else if (store->states[id].is_urgent && store__evict_oldest(store))
		file__wait_turn(store, id);
	else
		table__no_room(store, id);
}

static void build__end(struct unwind_store *store)
{
	cfi_parser__free(store->parser);
	store->parser = NULL;
	unwind_table__free(store->placing);
	store->placing = NULL;
	store->building = 0;
}

static void place__step(struct unwind_store *store)
{
	int err = place__page(store);

	if (!err && store->placed_cnt < store->placing->page_cnt)
		return;
	if (err) {
		pages__give(store, store->placing_first_page, table__page_cnt(store->placing));
		place__fail(store, err);
	} else {
		place__finish(store);
	}
	build__end(store);
}

/* The table is built; it is placed in steps of its own. */
static void build__finish(struct unwind_store *store)
{
	struct unwind_table *table = NULL;
	int err = cfi_parser__finish(store->parser, &table);

	if (err || !table->page_cnt) {
		table__refuse(store, store->building, err ? "out of memory" : "no code");
	} else {
		err = place__begin(store, table);
		if (!err)
			return;
		place__fail(store, err);
	}
	unwind_table__free(table);
}

/* Opens the next file of the queue. */
static void build__begin(struct unwind_store *store)
{
	uint32_t id = store->queue[store->queue_first];
	const struct file *file = files__get(store->files, id);
	int fd = -1;

	store->queue_first = (store->queue_first + 1) % store->maps.file_max;
	store->queue_cnt--;
	store->states[id].is_queued = false;
	if (!store->states[id].is_urgent &&
		(store->is_saving || chunks__are_half_full(store->chunks)))
		return; /* stays new: built when a stack needs it */
	if (file && file->kind == FILE_VDSO) {
		store->parser = cfi_parser__new_memory(
			file->image, file->image_bytes, NULL, store->rules);
	} else if (file && (fd = files__fd(store->files, id)) >= 0) {
		store->parser = cfi_parser__new_fd(fd, NULL, store->rules);
	}
	if (store->parser)
		store->building = id;
	else
		table__refuse(store, id, fd < 0 ? "the file cannot be opened" : "out of memory");
}

static void build__step(struct unwind_store *store)
{
	uint32_t id = store->building;
	int more = cfi_parser__step(store->parser, FDES_A_STEP);

	if (more >= 0)
		store->maps.files[id].keeps_frame_pointers = cfi_parser__has_go(store->parser);
	if (more > 0)
		return;
	if (more == 0)
		build__finish(store);
	else if (more == -ENODATA)
		file__set_state(store, id, UNWIND_FRAME_POINTER);
	else
		table__refuse(store, id, cfi_parser__reason(store->parser));
	if (!store->placing)
		build__end(store);
}

bool unwind_store__work(struct unwind_store *store, uint64_t budget_ns)
{
	uint64_t start_ns = clock__now_ns(), now_ns = start_ns;

	while ((store->building || store->queue_cnt) && now_ns - start_ns < budget_ns) {
		if (store->placing)
			place__step(store);
		else if (store->building)
			build__step(store);
		else
			build__begin(store);
		now_ns = clock__now_ns();
	}
	store->build_ns += now_ns - start_ns;
	return store->building || store->queue_cnt;
}

void unwind_store__save_memory(struct unwind_store *store, bool on)
{
	uint32_t id, cnt = files__cnt(store->files), max = chunks__cnt(store->chunks) / 2;

	store->is_saving = on;
	if (!on) {
		chunks__set_max(store->chunks, store->maps.chunk_max);
		return;
	}
	for (id = 1; id <= cnt && id < store->maps.file_max; id++) {
		store->states[id].is_urgent = false;
		if (store->maps.files[id].state == UNWIND_READY)
			table__evict(store, id);
	}
	if (max < SAVING_CHUNKS_MIN)
		max = SAVING_CHUNKS_MIN;
	chunks__set_max(store->chunks, max < store->maps.chunk_max ? max : store->maps.chunk_max);
}

void unwind_store__begin_epoch(struct unwind_store *store, uint32_t epoch)
{
	uint32_t id, cnt = files__cnt(store->files);

	store->epoch = epoch;
	store->turn++;
	chunks__begin_epoch(store->chunks, epoch);
	if (store->is_saving)
		chunks__trim(store->chunks);
	slots__reclaim(store->page_slots, epoch);
	for (id = 1; id <= cnt && id < store->maps.file_max; id++) {
		struct unwind_file *file = &store->maps.files[id];
		struct table_state *state = &store->states[id];

		if (file->referenced) {
			file->referenced = 0;
			state->used_turn = store->turn;
		}
		if (state->is_waiting ||
			(state->has_no_room && store->turn - state->used_turn > NO_ROOM_TURNS)) {
			state->is_waiting = false;
			state->has_no_room = false;
			state->reason = NULL;
			file__set_state(store, id, UNWIND_NEW);
		}
	}
}

void unwind_store__stats(const struct unwind_store *store, struct unwind_store_stats *ret)
{
	struct unwind_store_stats stats = {
		.evicted_cnt = store->evicted_cnt,
		.queued_cnt = store->queue_cnt + (store->building ? 1 : 0),
		.rule_cnt = unwind_rules__cnt(store->rules),
		.chunk_bytes = chunks__bytes(store->chunks),
		.build_ns = store->build_ns,
	};
	uint32_t id, cnt = files__cnt(store->files);

	for (id = 1; id <= cnt && id < store->maps.file_max; id++) {
		uint32_t state = store->maps.files[id].state;

		stats.ready_cnt += state == UNWIND_READY;
		stats.frame_pointer_cnt += state == UNWIND_FRAME_POINTER;
		stats.no_room_cnt += store->states[id].has_no_room;
		stats.refused_cnt += state == UNWIND_REFUSED && store->states[id].reason &&
				     !store->states[id].has_no_room;
		stats.row_cnt += store->states[id].row_cnt;
	}
	*ret = stats;
}

const char *unwind_store__reason(const struct unwind_store *store, uint32_t file_id)
{
	return file_id < store->maps.file_max ? store->states[file_id].reason : NULL;
}
