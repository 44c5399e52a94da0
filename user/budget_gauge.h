/* SPDX-License-Identifier: GPL-2.0 */
/* When a figure has been above its cap for long enough to leave something out, and below it for long enough to take it up again. */
#ifndef BPFPROF_BUDGET_GAUGE_H
#define BPFPROF_BUDGET_GAUGE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Rounds in a row count, so that one alone, a start or a burst, changes nothing. Down again only where what comes back would
 * stay well below the cap; and each time that it did not work out, the next try waits twice as long: no flapping.
 */
struct budget_gauge {
	uint32_t level, level_max; /* steps that are left out */
	uint32_t over_cnt, under_cnt;
	uint32_t patience; /* rounds below the cap before a step back; 0: the first one's */
	bool is_told;      /* that nothing more can be left out */
};

#define BUDGET_ROUNDS_OVER  3
#define BUDGET_ROUNDS_UNDER 5
#define BUDGET_ROUNDS_MAX   160
#define BUDGET_HEADROOM     0.7 /* of the cap, for what comes back */

enum budget_verdict {
	BUDGET_GO_ON,
	BUDGET_SHED,    /* level has become one more */
	BUDGET_RESTORE, /* one less */
	BUDGET_HELPLESS /* above the cap, and nothing is left: said once, until it has been below */
};

/* After a round: the figure, what it would be one level less, whether another level would make a difference. */
enum budget_verdict budget_gauge__judge(
	struct budget_gauge *gauge, double figure, double restored, bool helps, double cap);

#endif
