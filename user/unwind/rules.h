/* SPDX-License-Identifier: GPL-2.0 */
/* The rules of all tables of the host, each once, by a 16-bit id. */
#ifndef UNWIND_RULES_H
#define UNWIND_RULES_H

#include <stdint.h>

#include "unwind_rule.h"

#define UNWIND_RULES_MAX 65536

/* Two rules are always there. */
enum {
	UNWIND_RULE_ID_NONE = 0,        /* {.cfa = UNWIND_CFA_NONE} */
	UNWIND_RULE_ID_UNSUPPORTED = 1, /* {.cfa = UNWIND_CFA_UNSUPPORTED} */
};

/* Ids are given in ascending order and never change: who copies rules elsewhere remembers how many
 * it has. */
struct unwind_rules;

struct unwind_rules *unwind_rules__new(void); /* NULL: no memory */
void unwind_rules__free(struct unwind_rules *rules);

/* The id of a rule, which is added if it is new. 0; -ENOSPC when all ids are in use, which is
 * counted, -ENOMEM. */
int unwind_rules__add(struct unwind_rules *rules, const struct unwind_rule *rule, uint16_t *ret_id);

/* NULL: no such id. Valid as long as rules. */
const struct unwind_rule *unwind_rules__get(const struct unwind_rules *rules, uint32_t id);
uint32_t unwind_rules__cnt(const struct unwind_rules *rules);
/* How often unwind_rules__add had no id left. */
uint64_t unwind_rules__refused_cnt(const struct unwind_rules *rules);

#endif
