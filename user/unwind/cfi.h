/* SPDX-License-Identifier: GPL-2.0 */
/* An ELF file's call frame information to an unwind table, in slices of bounded work. */
#ifndef UNWIND_CFI_H
#define UNWIND_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/bare_code.h"
#include "unwind/rules.h"
#include "unwind/table.h"

/* Above one of these a file is refused. libLLVM-14 (110 MB): 5 MB, 95,000 FDEs, 1 million rows. */
struct cfi_limits {
	uint64_t section_bytes;  /* .eh_frame or .debug_frame in the file; at most 2 GiB */
	uint64_t inflated_bytes; /* a compressed section, which is held in memory as a whole */
	uint64_t record_bytes;   /* one FDE, in one step: 2 million rows have 6 MB and take 30 ms */
	uint64_t cie_bytes;      /* one CIE, at most 1024: FDEs that alternate run it again */
	uint32_t fde_cnt;        /* 8 bytes each while parsing, 16 while they are sorted */
	uint32_t row_cnt;        /* of the table, 4 bytes each */
	uint32_t new_rule_cnt;   /* that a file may add to the host's rules */
	uint32_t state_stack_cnt; /* nested DW_CFA_remember_state */
	uint32_t bare_bytes; /* of code without call frame information that is followed; 0: none */
	uint32_t bare_row_cnt; /* of tables with more rows it is not looked for */
};

extern const struct cfi_limits cfi_limits_default;

struct cfi_stats {
	uint32_t fde_cnt;         /* in use */
	uint32_t fde_outside_cnt; /* skipped: empty, or not in an executable segment */
	uint32_t fde_overlap_cnt; /* skipped or cut off by another */
	uint32_t cfi_row_cnt;     /* rows of the FDEs, before merging */
	uint32_t unsupported_cnt; /* of them: no form of unwind_rule.h, UNWIND_CFA_UNSUPPORTED */
	uint32_t rbp_lost_cnt;    /* of them: all but rbp can be expressed */
	uint32_t no_rule_id_cnt;  /* rules that the host had no id left for: unsupported too */
};

/* One file on its way to a table. Overlaps, as a search in .eh_frame_hdr's table resolves them: an
 * address belongs to the FDE that begins nearest at or below it, if it lies before that FDE's end;
 * of FDEs that begin at one address the first in the section counts. .debug_frame adds FDEs where
 * .eh_frame has none. */
struct cfi_parser;

/* limits NULL: the default. rules must live until the parser is freed. NULL: no memory, or no
 * descriptor. */
struct cfi_parser *cfi_parser__new_fd(
	int fd, const struct cfi_limits *limits, struct unwind_rules *rules);
/* An image in memory as it would lie in a file, such as the vDSO; it must live until the parser is
 * freed. */
struct cfi_parser *cfi_parser__new_memory(const void *image, size_t bytes,
	const struct cfi_limits *limits, struct unwind_rules *rules);
void cfi_parser__free(struct cfi_parser *parser);

/* Works on about fde_cnt FDEs, or as many bytes as they usually have (0.3 us an FDE: 2000 take
 * under a millisecond). 1: call again; 0: done; -errno: the file is refused, for
 * cfi_parser__reason(). After 0 or -errno it returns the same again. */
int cfi_parser__step(struct cfi_parser *parser, uint32_t fde_cnt);

/* After step returned 0, once: the caller owns the table. 0; -EINVAL before the end or a second
 * time. */
int cfi_parser__finish(struct cfi_parser *parser, struct unwind_table **ret_table);

/* Whether the file has Go code: its frames are found by their frame pointers, and its .debug_frame
 * is left out. Known after the first step, also where that refused the file for lack of anything
 * else. */
bool cfi_parser__has_go(const struct cfi_parser *parser);

/* What was done about code without call frame information; all 0 if nothing was. */
void cfi_parser__bare_stats(const struct cfi_parser *parser, struct bare_code_stats *ret);

/* Why step failed: a static text, for a log line after the file's name. */
const char *cfi_parser__reason(const struct cfi_parser *parser);
const struct cfi_stats *cfi_parser__stats(const struct cfi_parser *parser);

#endif
