/* SPDX-License-Identifier: GPL-2.0 */
/* The maps of whatever walks stacks, for host tests. Included behind the BPF C under test. */
#ifndef TESTS_BPF_WALK_HOST_H
#define TESTS_BPF_WALK_HOST_H

static void walk_host__add_maps(u32 mapping_rows_cnt)
{
	FAKE_MAP(controls);
	FAKE_MAP_SIZED(epoch_users, FAKE_CPUS);
	FAKE_MAP(counters);
	FAKE_MAP_SIZED(targets, 16);
	FAKE_MAP_SIZED(process_slices, 16);
	FAKE_MAP_SIZED(mapping_slices, 16);
	FAKE_MAP_SIZED(mapping_rows, mapping_rows_cnt);
	FAKE_RINGBUF(stack_ring, 1 << 16);
	FAKE_MAP_SIZED(stacks_shipped, 64);
	FAKE_MAP(scratches);
	FAKE_MAP_SIZED(unwind_files, 16);
	FAKE_MAP_SIZED(unwind_pages, 16);
	FAKE_MAP_SIZED(unwind_rules, 16);
	fake_map__add(&unwind_chunks, BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, sizeof(u32), sizeof(void *));
}

#endif
