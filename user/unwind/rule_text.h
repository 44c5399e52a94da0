/* SPDX-License-Identifier: GPL-2.0 */
/* An unwind rule as text, for tools/unwind-dump, tests and people. */
#ifndef UNWIND_RULE_TEXT_H
#define UNWIND_RULE_TEXT_H

#include <stddef.h>

#include "unwind_rule.h"

#define RULE_TEXT_BYTES 160

/* "cfa=rsp+16 rbp=c-16 ra=c-8"; all forms are in `unwind-dump --help`. Returns buf. */
const char *unwind_rule__text(const struct unwind_rule *rule, char buf[RULE_TEXT_BYTES]);

#endif
