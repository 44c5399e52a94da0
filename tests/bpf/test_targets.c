// SPDX-License-Identifier: GPL-2.0
/* Who is profiled: children join, the last thread's exit leaves, pids as the daemon's namespace has them. */
#include "fake_bpf.h"

#include "../../bpf/targets.bpf.c"

#define OWN_NS 4026532000u

struct nested_pid {
	struct pid pid; /* numbers[0] */
	struct upid deeper[2];
};

static struct {
	struct prog_options options;
	struct pid_namespace root_ns, own_ns, other_ns;
	struct signal_struct parent_signal, child_signal;
	struct nested_pid parent_pid, child_pid;
	struct task_struct parent, child;
} host;

static void set_options(void)
{
	fake__set_const(&options, &host.options, sizeof(host.options));
}

static int setup(void **state)
{
	(void)state;
	fake__reset();
	memset(&host, 0, sizeof(host));
	FAKE_MAP(counters);
	FAKE_MAP_SIZED(targets, 4);
	set_options();
	host.root_ns.ns.inum = 4026531836u;
	host.own_ns.ns.inum = OWN_NS;
	host.other_ns.ns.inum = OWN_NS + 1;
	host.parent.tgid = host.parent.pid = 100;
	host.parent.group_leader = &host.parent;
	host.parent.signal = &host.parent_signal;
	host.parent_signal.pids[PIDTYPE_TGID] = &host.parent_pid.pid;
	host.child = host.parent;
	host.child.tgid = host.child.pid = 200;
	host.child.group_leader = &host.child;
	host.child.signal = &host.child_signal;
	host.child_signal.pids[PIDTYPE_TGID] = &host.child_pid.pid;
	return 0;
}

static void add(u32 pid)
{
	u32 one = 1;

	assert_int_equal(bpf_map_update_elem(&targets, &pid, &one, BPF_ANY), 0);
}

static bool has(u32 pid)
{
	return fake_map__lookup(&targets, &pid, 0);
}

static u64 counter(enum counter counter)
{
	u32 zero = 0;

	return ((struct counter_values *)fake_map__lookup(&counters, &zero, 0))->cnt[counter];
}

static void children_of_targets_join(void **state)
{
	(void)state;
	add(100);
	target_fork(&host.parent, &host.child);
	assert_true(has(200));
}

static void children_of_others_do_not(void **state)
{
	(void)state;
	target_fork(&host.parent, &host.child);
	assert_false(has(200));
}

static void threads_change_nothing(void **state)
{
	(void)state;
	add(100);
	host.child.tgid = 100;
	target_fork(&host.parent, &host.child);
	assert_int_equal(fake_map__find(&targets)->cnt, 1);
}

static void a_full_map_is_counted(void **state)
{
	u32 i;

	(void)state;
	add(100);
	for (i = 0; i < 3; i++)
		add(500 + i);
	target_fork(&host.parent, &host.child);
	assert_false(has(200));
	assert_int_equal(counter(COUNTER_target_map_full), 1);
}

static void the_last_thread_leaves(void **state)
{
	(void)state;
	add(100);
	host.parent_signal.live.counter = 2; /* the leader goes first, two threads stay */
	target_exit(&host.parent);
	assert_true(has(100));
	host.parent_signal.live.counter = 0;
	target_exit(&host.parent);
	assert_false(has(100));
	target_exit(&host.parent); /* nothing to delete */
}

static void nest(
	struct nested_pid *pid, u32 level, int root_nr, int own_nr, struct pid_namespace *ns)
{
	struct upid *numbers = &pid->pid.numbers[0];

	pid->pid.level = level;
	numbers[0] = (struct upid){.nr = root_nr, .ns = &host.root_ns};
	pid->deeper[0] = (struct upid){.nr = own_nr, .ns = ns};
}

static void use_namespace(void)
{
	host.options.pidns_inum = OWN_NS;
	set_options();
}

static void pids_are_those_of_the_daemons_namespace(void **state)
{
	(void)state;
	use_namespace();
	nest(&host.parent_pid, 1, 9100, 10, &host.own_ns);
	nest(&host.child_pid, 2, 9200, 20, &host.own_ns); /* in a namespace below ours */
	add(10);
	target_fork(&host.parent, &host.child);
	assert_true(has(20));
	assert_int_equal(fake_map__find(&targets)->cnt, 2);
	assert_int_equal(task__pid(&host.parent), 10);
	target_exit(&host.child);
	assert_false(has(20));
}

static void processes_outside_of_it_have_pid_0(void **state)
{
	(void)state;
	use_namespace();
	nest(&host.parent_pid, 0, 9100, 0, NULL); /* above ours */
	assert_int_equal(task__pid(&host.parent), 0);
	nest(&host.parent_pid, 1, 9100, 10, &host.other_ns); /* beside ours */
	assert_int_equal(task__pid(&host.parent), 0);
	host.parent_signal.pids[PIDTYPE_TGID] = NULL;
	assert_int_equal(task__pid(&host.parent), 0);
	/* and are no targets, nor are their children */
	add(10);
	nest(&host.child_pid, 1, 9200, 10, &host.other_ns);
	target_fork(&host.parent, &host.child);
	assert_int_equal(fake_map__find(&targets)->cnt, 1);
	assert_false(task__is_target(&host.parent, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(children_of_targets_join, setup),
		cmocka_unit_test_setup(children_of_others_do_not, setup),
		cmocka_unit_test_setup(threads_change_nothing, setup),
		cmocka_unit_test_setup(a_full_map_is_counted, setup),
		cmocka_unit_test_setup(the_last_thread_leaves, setup),
		cmocka_unit_test_setup(pids_are_those_of_the_daemons_namespace, setup),
		cmocka_unit_test_setup(processes_outside_of_it_have_pid_0, setup),
	};

	return cmocka_run_group_tests_name("bpf_targets", tests, NULL, NULL);
}
