/* SPDX-License-Identifier: GPL-2.0 */
/* Software perf events with a BPF program on them, one on each online CPU. */
#ifndef COLLECT_PERF_EVENT_H
#define COLLECT_PERF_EVENT_H

#include <stdint.h>
#include <bpf/libbpf.h>

struct cpu_clock;

/* Runs program every period_ns on every online CPU. -errno with *ret_reason, a static string. */
int cpu_clock__open(struct bpf_program *program, uint64_t period_ns, struct cpu_clock **ret,
	const char **ret_reason);
/* A new event takes each one's place, so that a program always sees the period of the tick that it runs for. 0; -errno: some
 * CPUs may have the new period already. */
int cpu_clock__set_period(struct cpu_clock *clock, uint64_t period_ns);
/* Runs program at each period-th event of another kind: config is one of PERF_COUNT_SW_*. 0 or -errno. */
int cpu_event__open(
	struct bpf_program *program, uint64_t config, uint64_t period, struct cpu_clock **ret);
void cpu_clock__close(struct cpu_clock *clock);

#endif
