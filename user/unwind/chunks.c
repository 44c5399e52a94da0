// SPDX-License-Identifier: GPL-2.0
/* Chunks: BPF array maps in an array of maps, written through shared memory. */
#include "unwind/chunks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "process/slots.h"

#define CHUNK_BYTES (UNWIND_CHUNK_BLOCKS * sizeof(struct unwind_block))

struct chunk {
	int fd;
	struct unwind_block *blocks;
	struct slots *rows;
};

struct chunks {
	int map_fd;
	uint32_t max;
	uint32_t cnt; /* places that were ever used; some may be empty (no blocks) */
	struct chunk *chunks;
};

struct chunks *chunks__new(int chunks_fd, uint32_t chunk_max)
{
	struct chunks *chunks = calloc(1, sizeof(*chunks));

	if (!chunks)
		return NULL;
	chunks->chunks = calloc(chunk_max, sizeof(*chunks->chunks));
	if (!chunks->chunks) {
		free(chunks);
		return NULL;
	}
	chunks->map_fd = chunks_fd;
	chunks->max = chunk_max;
	return chunks;
}

static void chunk__close(struct chunk *chunk)
{
	if (chunk->blocks)
		munmap(chunk->blocks, CHUNK_BYTES);
	if (chunk->fd >= 0)
		close(chunk->fd);
	slots__free(chunk->rows);
}

void chunks__free(struct chunks *chunks)
{
	uint32_t i;

	if (!chunks)
		return;
	for (i = 0; i < chunks->cnt; i++)
		if (chunks->chunks[i].blocks)
			chunk__close(&chunks->chunks[i]);
	free(chunks->chunks);
	free(chunks);
}

/* Makes a chunk at this place of the array of maps. */
static int chunk__open(const struct chunks *chunks, uint32_t index, struct chunk *ret)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	struct chunk chunk = {.rows = slots__new(UNWIND_CHUNK_ROWS, UNWIND_BLOCK_ROWS)};
	void *memory;
	int err;

	chunk.fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "unwind_chunk", sizeof(uint32_t),
		sizeof(struct unwind_block), UNWIND_CHUNK_BLOCKS, &opts);
	err = chunk.fd < 0 ? chunk.fd : chunk.rows ? 0 : -ENOMEM;
	if (err)
		goto out;
	memory = mmap(NULL, CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, chunk.fd, 0);
	if (memory == MAP_FAILED) {
		err = -errno;
		goto out;
	}
	chunk.blocks = memory;
	err = bpf_map_update_elem(chunks->map_fd, &index, &chunk.fd, BPF_ANY);
	if (err)
		goto out;
	*ret = chunk;
	return 0;
out:
	chunk__close(&chunk);
	return err;
}

int chunks__take(struct chunks *chunks, uint32_t row_cnt, uint32_t *ret_row)
{
	uint32_t i, row;
	int err;

	if (!row_cnt || row_cnt > UNWIND_CHUNK_ROWS)
		return -EINVAL;
	for (i = 0; i < chunks->max; i++) {
		if (!chunks->chunks[i].blocks) {
			err = chunk__open(chunks, i, &chunks->chunks[i]);
			if (err)
				return err;
			if (i == chunks->cnt)
				chunks->cnt++;
		}
		if (slots__take(chunks->chunks[i].rows, row_cnt, &row))
			continue;
		*ret_row = i * UNWIND_CHUNK_ROWS + row;
		return 0;
	}
	return -ENOSPC;
}

void chunks__give(struct chunks *chunks, uint32_t row, uint32_t row_cnt, uint32_t epoch)
{
	slots__give(chunks->chunks[row / UNWIND_CHUNK_ROWS].rows, row % UNWIND_CHUNK_ROWS, row_cnt,
		epoch);
}

void chunks__begin_epoch(struct chunks *chunks, uint32_t epoch)
{
	uint32_t i;

	for (i = 0; i < chunks->cnt; i++)
		if (chunks->chunks[i].blocks)
			slots__reclaim(chunks->chunks[i].rows, epoch);
}

void chunks__set_max(struct chunks *chunks, uint32_t max)
{
	chunks->max = max;
}

uint32_t chunks__cnt(const struct chunks *chunks)
{
	uint32_t cnt = 0, i;

	for (i = 0; i < chunks->cnt; i++)
		cnt += chunks->chunks[i].blocks != NULL;
	return cnt;
}

void chunks__trim(struct chunks *chunks)
{
	uint32_t i;

	for (i = 0; i < chunks->cnt; i++) {
		struct chunk *chunk = &chunks->chunks[i];

		if (!chunk->blocks || slots__used(chunk->rows) ||
			bpf_map_delete_elem(chunks->map_fd, &i))
			continue;
		chunk__close(chunk);
		*chunk = (struct chunk){0};
	}
}

void chunks__write(
	struct chunks *chunks, uint32_t row, const struct unwind_row *rows, uint32_t row_cnt)
{
	struct unwind_row *first = chunks->chunks[row / UNWIND_CHUNK_ROWS].blocks[0].rows;

	memcpy(first + row % UNWIND_CHUNK_ROWS, rows, row_cnt * sizeof(*rows));
}

uint64_t chunks__bytes(const struct chunks *chunks)
{
	return (uint64_t)chunks__cnt(chunks) * CHUNK_BYTES;
}

bool chunks__are_half_full(const struct chunks *chunks)
{
	uint64_t used = 0;
	uint32_t i;

	for (i = 0; i < chunks->cnt; i++)
		if (chunks->chunks[i].blocks)
			used += slots__used(chunks->chunks[i].rows);
	return used > (uint64_t)chunks->max * UNWIND_CHUNK_ROWS / 2;
}
