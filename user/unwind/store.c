// SPDX-License-Identifier: GPL-2.0
/* Which files have their table in the kernel's maps, which are asked for, and which have to leave. */
#include "unwind/store_private.h"

#include <stdlib.h>

#define EVICT_AGE_TURNS   10 /* a table that was used in so many turns stays */
#define NO_ROOM_TURNS     60 /* then it is tried again */
#define SAVING_CHUNKS_MIN 8  /* 2 MiB: the tables of a host's common libraries */

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

void file__set_state(struct unwind_store *store, uint32_t id, uint32_t state)
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

void file__wait_turn(struct unwind_store *store, uint32_t id)
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

bool store__evict_oldest(struct unwind_store *store)
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

void table__refuse(struct unwind_store *store, uint32_t id, const char *reason)
{
	store->states[id].reason = reason;
	file__set_state(store, id, UNWIND_REFUSED);
}

void table__no_room(struct unwind_store *store, uint32_t id)
{
	store->states[id].has_no_room = true;
	store->states[id].used_turn = store->turn;
	table__refuse(store, id, "no room in the budget for unwind rows");
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
