// SPDX-License-Identifier: GPL-2.0
/* Building the table of one file after the other, and placing it in the kernel's maps, in steps of a millisecond at most. */
#include "unwind/store_private.h"

#include <errno.h>
#include <string.h>

#include "process/clock.h"

#define FDES_A_STEP    1000  /* 0.3 ms */
#define FILE_PAGES_MAX 16384 /* 1 GiB of addresses */

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
	uint64_t start_ns = clock__ns(CLOCK_MONOTONIC), now_ns = start_ns;

	while ((store->building || store->queue_cnt) && now_ns - start_ns < budget_ns) {
		if (store->placing)
			place__step(store);
		else if (store->building)
			build__step(store);
		else
			build__begin(store);
		now_ns = clock__ns(CLOCK_MONOTONIC);
	}
	store->build_ns += now_ns - start_ns;
	return store->building || store->queue_cnt;
}
