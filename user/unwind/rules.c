// SPDX-License-Identifier: GPL-2.0
/* The rules of all tables of the host, each once, by a 16-bit id. */
#include <errno.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM          1
#define uthash_nonfatal_oom(entry) ((entry)->hh.tbl = NULL)
#include <uthash.h>

#include "unwind/rules.h"

struct entry {
	struct unwind_rule rule;
	uint16_t id;
	UT_hash_handle hh;
};

struct unwind_rules {
	struct entry *by_rule;
	struct entry **by_id;
	uint32_t cnt;
	uint32_t room; /* of by_id */
	uint64_t refused_cnt;
};

static int grow(struct unwind_rules *rules)
{
	uint32_t room = rules->room ? 2 * rules->room : 256;
	struct entry **grown;

	if (rules->cnt < rules->room)
		return 0;
	grown = realloc(rules->by_id, room * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	rules->by_id = grown;
	rules->room = room;
	return 0;
}

static int insert(struct unwind_rules *rules, const struct unwind_rule *rule)
{
	struct entry *entry;

	if (grow(rules))
		return -ENOMEM;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->rule = *rule;
	entry->id = rules->cnt;
	HASH_ADD(hh, rules->by_rule, rule, sizeof(entry->rule), entry);
	if (!entry->hh.tbl) {
		free(entry);
		return -ENOMEM;
	}
	rules->by_id[rules->cnt++] = entry;
	return 0;
}

struct unwind_rules *unwind_rules__new(void)
{
	static const struct unwind_rule fixed[] = {
		[UNWIND_RULE_ID_NONE] = {.cfa = UNWIND_CFA_NONE},
		[UNWIND_RULE_ID_UNSUPPORTED] = {.cfa = UNWIND_CFA_UNSUPPORTED},
	};
	struct unwind_rules *rules = calloc(1, sizeof(*rules));

	for (size_t i = 0; rules && i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		if (insert(rules, &fixed[i])) {
			unwind_rules__free(rules);
			rules = NULL;
		}
	}
	return rules;
}

void unwind_rules__free(struct unwind_rules *rules)
{
	if (!rules)
		return;
	HASH_CLEAR(hh, rules->by_rule);
	for (uint32_t i = 0; i < rules->cnt; i++)
		free(rules->by_id[i]);
	free(rules->by_id);
	free(rules);
}

int unwind_rules__add(struct unwind_rules *rules, const struct unwind_rule *rule, uint16_t *ret_id)
{
	struct entry *entry;
	int err;

	HASH_FIND(hh, rules->by_rule, rule, sizeof(*rule), entry);
	if (entry) {
		*ret_id = entry->id;
		return 0;
	}
	if (rules->cnt == UNWIND_RULES_MAX) {
		rules->refused_cnt++;
		return -ENOSPC;
	}
	err = insert(rules, rule);
	if (!err)
		*ret_id = rules->cnt - 1;
	return err;
}

const struct unwind_rule *unwind_rules__get(const struct unwind_rules *rules, uint32_t id)
{
	return id < rules->cnt ? &rules->by_id[id]->rule : NULL;
}

uint32_t unwind_rules__cnt(const struct unwind_rules *rules)
{
	return rules->cnt;
}

uint64_t unwind_rules__refused_cnt(const struct unwind_rules *rules)
{
	return rules->refused_cnt;
}
