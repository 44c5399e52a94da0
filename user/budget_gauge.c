// SPDX-License-Identifier: GPL-2.0
/* A cap with hysteresis. */
#include "budget_gauge.h"

/* Longer than a start takes, with all its unwind tables. */
#define ROUNDS_HELPLESS (5 * BUDGET_ROUNDS_OVER)

static enum budget_verdict gauge__over(struct budget_gauge *gauge, bool helps)
{
	gauge->under_cnt = 0;
	gauge->over_cnt++;
	if (gauge->level < gauge->level_max && helps) {
		if (gauge->over_cnt < BUDGET_ROUNDS_OVER)
			return BUDGET_GO_ON;
		gauge->over_cnt = 0;
		gauge->level++;
		return BUDGET_SHED;
	}
	if (gauge->over_cnt < ROUNDS_HELPLESS || gauge->is_told)
		return BUDGET_GO_ON;
	gauge->is_told = true;
	return BUDGET_HELPLESS;
}

static enum budget_verdict gauge__under(struct budget_gauge *gauge, bool has_headroom)
{
	gauge->over_cnt = 0;
	if (!gauge->level || !has_headroom) {
		gauge->under_cnt = 0;
		return BUDGET_GO_ON;
	}
	if (!gauge->patience)
		gauge->patience = BUDGET_ROUNDS_UNDER;
	if (++gauge->under_cnt < gauge->patience)
		return BUDGET_GO_ON;
	gauge->under_cnt = 0;
	gauge->level--;
	gauge->is_told = false;
	if (gauge->patience < BUDGET_ROUNDS_MAX)
		gauge->patience *= 2;
	return BUDGET_RESTORE;
}

enum budget_verdict budget_gauge__judge(
	struct budget_gauge *gauge, double figure, double restored, bool helps, double cap)
{
	return figure > cap ? gauge__over(gauge, helps)
			    : gauge__under(gauge, restored <= BUDGET_HEADROOM * cap);
}
