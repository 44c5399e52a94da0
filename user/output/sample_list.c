// SPDX-License-Identifier: GPL-2.0
/* The samples of a profile in an order that depends on nothing but them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output/sample_list.h"

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* From the root on; a stack that was not kept comes first. */
static int compare_stacks(const struct stack *a, const struct stack *b)
{
	size_t a_cnt = a ? (size_t)a->kernel_cnt + a->user_cnt : 0;
	size_t b_cnt = b ? (size_t)b->kernel_cnt + b->user_cnt : 0;
	int order;

	if (a == b)
		return 0;
	if (!a || !b)
		return COMPARE(a != NULL, b != NULL);
	order = COMPARE(a->end, b->end);
	while (!order && a_cnt && b_cnt) {
		a_cnt--;
		b_cnt--;
		order = COMPARE(a->frames[a_cnt], b->frames[b_cnt]);
	}
	return order ? order : COMPARE(a_cnt, b_cnt);
}

static int compare_rows(const void *left, const void *right)
{
	const struct sample_list_row *a_row = left;
	const struct sample_list_row *b_row = right;
	const struct sample_key *a = &a_row->sample->key;
	const struct sample_key *b = &b_row->sample->key;
	int order = COMPARE(a->pid, b->pid);

	if (!order)
		order = COMPARE(a->start_ns, b->start_ns);
	if (!order)
		order = COMPARE(a->cgroup, b->cgroup);
	if (!order)
		order = memcmp(a->comm, b->comm, sizeof(a->comm));
	if (!order)
		order = compare_stacks(a_row->stack, b_row->stack);
	if (!order)
		order = memcmp(a->thread, b->thread, sizeof(a->thread));
	if (!order)
		order = COMPARE(a->tag, b->tag);
	if (!order)
		order = COMPARE(a->stack, b->stack);
	return order ? order : memcmp(&a->peer, &b->peer, sizeof(a->peer));
}

struct fill {
	struct sample_list *list;
	const struct stack_table *stacks;
};

static int fill_row(const struct sample *sample, void *arg)
{
	struct fill *fill = arg;
	struct sample_list_row *row = &fill->list->rows[fill->list->cnt++];

	row->sample = sample;
	if (sample->key.stack)
		row->stack = stack_table__find(fill->stacks, sample->key.stack);
	return 0;
}

int sample_list__init(struct sample_list *list, const struct profile *profile)
{
	struct fill fill = {.list = list, .stacks = profile->stacks};

	*list = (struct sample_list){0};
	list->rows = calloc(profile__sample_cnt(profile) + 1, sizeof(*list->rows));
	if (!list->rows)
		return -ENOMEM;
	profile__each(profile, fill_row, &fill);
	qsort(list->rows, list->cnt, sizeof(*list->rows), compare_rows);
	return 0;
}

void sample_list__destroy(struct sample_list *list)
{
	free(list->rows);
	*list = (struct sample_list){0};
}
