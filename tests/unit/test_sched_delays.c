// SPDX-License-Identifier: GPL-2.0
/* The longest waits for a CPU: which are kept, in which order, and how they are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "collect/sched_delays.h"
#include "output/delays_text.h"

static struct sched_delay delay_of(uint64_t wait_ns, uint32_t tid, uint32_t by_tid)
{
	struct sched_delay delay = {.wait_ns = wait_ns,
		.held_ns = wait_ns / 2,
		.tid = tid,
		.pid = tid,
		.by_tid = by_tid,
		.by_pid = by_tid,
		.thread = "victim",
		.by_thread = "hog"};

	return delay;
}

static void add(struct sched_delay_table *table, uint64_t wait_ns, uint32_t tid, uint32_t by_tid)
{
	struct sched_delay delay = delay_of(wait_ns, tid, by_tid);

	sched_delay_table__add(table, &delay);
}

static void test_of_a_pair_the_longest_is_kept(void **state)
{
	struct sched_delay_table table = {0};

	(void)state;
	add(&table, 5, 1, 2);
	add(&table, 9, 1, 3);
	add(&table, 3, 1, 2);
	add(&table, 7, 4, 2);
	assert_int_equal(table.cnt, 3);
	assert_int_equal(table.rows[0].wait_ns, 9);
	assert_int_equal(table.rows[1].wait_ns, 7);
	assert_int_equal(table.rows[2].wait_ns, 5);
	add(&table, 10, 1, 2); /* past both of the others */
	assert_int_equal(table.cnt, 3);
	assert_int_equal(table.rows[0].wait_ns, 10);
	assert_int_equal(table.rows[0].by_tid, 2);
	assert_int_equal(table.rows[1].by_tid, 3);
	assert_int_equal(table.rows[2].tid, 4);
}

/* Against sorting all of them. */
static void test_a_full_table_keeps_the_longest(void **state)
{
	struct sched_delay_table table = {0};
	uint32_t i;

	(void)state;
	for (i = 0; i < 1000; i++) /* 7919 is prime: each of 1 to 1000 once */
		add(&table, 1 + i * 7919ull % 1000, i, i + 1);
	assert_int_equal(table.cnt, SCHED_DELAY_ROWS);
	for (i = 0; i < SCHED_DELAY_ROWS; i++)
		assert_int_equal(table.rows[i].wait_ns, 1000 - i);
}

static void test_a_cpu_s_notes(void **state)
{
	struct sched_delays memory = {.seq = 2, .interval = 7};
	struct sched_delay_table table = {0};

	(void)state;
	memory.delays[3] = delay_of(50, 1, 2);
	memory.delays[5] = delay_of(60, 1, 3);
	sched_delay_table__add_cpu(&table, &memory, 6); /* of another interval */
	assert_int_equal(table.cnt, 0);
	memory.seq = 3; /* being written, and it stays so */
	sched_delay_table__add_cpu(&table, &memory, 7);
	assert_int_equal(table.cnt, 0);
	memory.seq = 4;
	sched_delay_table__add_cpu(&table, &memory, 7);
	assert_int_equal(table.cnt, 2);
	assert_int_equal(table.rows[0].wait_ns, 60);
}

static void test_text(void **state)
{
	struct sched_delay_table table = {0};
	struct sched_delay delay = delay_of(18400000, 4250, 4251);
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	(void)state;
	assert_non_null(out);
	assert_int_equal(delays_text__print(&table, 0, out), 0);
	assert_int_equal(delays_text__print_detail(&table, out), 0);
	fflush(out);
	assert_int_equal(bytes, 0); /* nothing of nothing */
	delay.cpu = 1;
	delay.at_ns = 3500000000ull;
	sched_delay_table__add(&table, &delay);
	delay = (struct sched_delay){.wait_ns = 2000000, .at_ns = 1, .tid = 7, .pid = 6};
	memcpy(delay.thread, "\x1b[2J456789abcdef", TASK_COMM_BYTES); /* no 0 at its end */
	sched_delay_table__add(&table, &delay);
	delay.tid = 8;
	delay.wait_ns = 1000000;
	strcpy(delay.thread, "worker");
	strcpy(delay.by_thread, "swapper/1");
	sched_delay_table__add(&table, &delay);
	assert_int_equal(delays_text__print(&table, 1000000000, out), 0);
	assert_int_equal(delays_text__print_detail(&table, out), 0);
	fclose(out);
	assert_string_equal(text,
		"  The longest waits for a CPU, and who had it the longest meanwhile\n"
		"        wait       held  cpu      at  thread <- who had the CPU\n"
		"     18.40ms     9.20ms    1   2.50s  victim 4250 (pid 4250) <- hog 4251 (pid 4251)\n"
		"      2.00ms     0.00ms    0   0.00s  \\x1b[2J456789abcdef 7 (pid 6) <- -\n"
		"      1.00ms     0.00ms    0   0.00s  worker 8 (pid 6) <- swapper/1\n"
		"  D4250: p=1 wait(us)=18400 held(us)=9200 pid=4250 bym=4251 bypid=4251 comm=victim bycomm=hog\n"
		"  D7: p=0 wait(us)=2000 held(us)=0 pid=6 bym=0 bypid=0 comm=\\x1b[2J456789abcdef bycomm=\n"
		"  D8: p=0 wait(us)=1000 held(us)=0 pid=6 bym=0 bypid=0 comm=worker bycomm=swapper/1\n");
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_a_pair_the_longest_is_kept),
		cmocka_unit_test(test_a_full_table_keeps_the_longest),
		cmocka_unit_test(test_a_cpu_s_notes),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
