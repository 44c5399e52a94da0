// SPDX-License-Identifier: GPL-2.0
/* An ELF file's call frame information to an unwind table, in slices of bounded work. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "unwind/cfi.h"
#include "unwind/elf_frames.h"
#include "unwind/fde_list.h"
#include "unwind/fde_rows.h"
#include "unwind/frame_entry.h"

/* Work is counted in bytes of the section as well, so that a few huge records are no long step. */
#define FDE_BYTES    64
#define INSNS_AN_FDE 8 /* take as long */

enum phase {
	PHASE_OPEN,
	PHASE_INFLATE,
	PHASE_SCAN,
	PHASE_SORT,
	PHASE_ROWS,
	PHASE_BARE,
	PHASE_DONE
};

/* The order of preference. */
enum { EH_FRAME, DEBUG_FRAME, READER_CNT };

struct cfi_parser {
	struct cfi_limits limits;
	struct cfi_stats stats;
	struct elf_source source;
	struct elf_frames frames;
	uint64_t code_start; /* lowest executable address; the list of FDEs counts from it */
	enum phase phase;
	int err;
	const char *reason;
	struct frame_reader readers[READER_CNT];
	unsigned int reader; /* that scan is at */
	uint64_t offset;     /* in its section */
	struct fde_list fdes;
	uint32_t next_fde;
	uint64_t eh_frame_end; /* of the code that FDEs of .eh_frame covered so far */
	struct fde_rows *rows;
	struct unwind_rules *all_rules;
	struct bare_code *bare;
	struct bare_code_stats bare_stats;
	struct unwind_table *table; /* when done, until it is taken */
};

const struct cfi_limits cfi_limits_default = {
	.section_bytes = 128 << 20,
	.inflated_bytes = 32 << 20,
	.record_bytes = 8 << 20,
	.cie_bytes = 512,
	.fde_cnt = 2 << 20,
	.row_cnt = 4 << 20,
	.new_rule_cnt = 4096,
	.state_stack_cnt = 64,
	.bare_bytes = 1 << 20,
	.bare_row_cnt = 200000,
};

static struct cfi_parser *parser__new(const struct cfi_limits *limits, struct unwind_rules *rules)
{
	struct cfi_parser *parser = calloc(1, sizeof(*parser));

	if (!parser)
		return NULL;
	parser->source.fd = -1;
	parser->limits = limits ? *limits : cfi_limits_default;
	if (parser->limits.section_bytes > FDE_OFFSET_MAX)
		parser->limits.section_bytes = FDE_OFFSET_MAX;
	if (parser->limits.inflated_bytes > FDE_OFFSET_MAX)
		parser->limits.inflated_bytes = FDE_OFFSET_MAX;
	parser->all_rules = rules;
	parser->rows = fde_rows__new(&parser->limits, &parser->stats, rules);
	if (!parser->rows) {
		cfi_parser__free(parser);
		return NULL;
	}
	fde_list__open(&parser->fdes, parser->limits.fde_cnt);
	return parser;
}

/* The descriptor is duplicated: the daemon closes files between two steps to save descriptors. */
struct cfi_parser *cfi_parser__new_fd(
	int fd, const struct cfi_limits *limits, struct unwind_rules *rules)
{
	struct cfi_parser *parser = parser__new(limits, rules);

	if (!parser)
		return NULL;
	parser->source.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (parser->source.fd < 0) {
		cfi_parser__free(parser);
		return NULL;
	}
	return parser;
}

struct cfi_parser *cfi_parser__new_memory(const void *image, size_t bytes,
	const struct cfi_limits *limits, struct unwind_rules *rules)
{
	struct cfi_parser *parser = parser__new(limits, rules);

	if (parser)
		parser->source = (struct elf_source){.fd = -1, .memory = image, .bytes = bytes};
	return parser;
}

void cfi_parser__free(struct cfi_parser *parser)
{
	if (!parser)
		return;
	for (unsigned int i = 0; i < READER_CNT; i++)
		frame_section__close(&parser->readers[i].section);
	fde_list__close(&parser->fdes);
	fde_rows__free(parser->rows);
	bare_code__free(parser->bare);
	unwind_table__free(parser->table);
	if (parser->source.fd >= 0)
		close(parser->source.fd);
	free(parser);
}

static int refuse(struct cfi_parser *parser, int err, const char *reason)
{
	parser->reason = reason;
	return err;
}

static int open_reader(
	struct cfi_parser *parser, unsigned int which, const struct elf_section *place)
{
	struct frame_reader *reader = &parser->readers[which];

	reader->limits.record_bytes = parser->limits.record_bytes;
	reader->limits.cie_bytes = parser->limits.cie_bytes;
	reader->bases.text = parser->frames.text_address;
	reader->bases.data = parser->frames.got_address;
	return frame_section__open(&reader->section, &parser->source, place, which == DEBUG_FRAME);
}

/* One FDE's address is 32 bits here and 40 in a frame. */
static int find_code_range(struct cfi_parser *parser)
{
	const struct elf_frames *frames = &parser->frames;
	uint64_t start = UINT64_MAX, end = 0;

	for (unsigned int i = 0; i < frames->code_cnt; i++) {
		if (frames->code[i].start < start)
			start = frames->code[i].start;
		if (frames->code[i].end > end)
			end = frames->code[i].end;
	}
	if (!frames->code_cnt)
		return refuse(parser, -ENODATA, "no executable segment");
	if (end - start > UINT32_MAX || end > 1ull << 48)
		return refuse(parser, -EFBIG, "executable segments span more than 4 GiB");
	parser->code_start = start;
	return 0;
}

static int step_open(struct cfi_parser *parser)
{
	struct elf_frames_limits limits = {
		parser->limits.section_bytes, parser->limits.inflated_bytes};
	int err;

	if (!parser->source.memory) {
		err = elf_source__from_fd(parser->source.fd, &parser->source);
		if (err)
			return refuse(parser, err, "not a regular file");
	}
	err = elf_frames__find(&parser->source, &limits, &parser->frames, &parser->reason);
	if (!err)
		err = find_code_range(parser);
	if (!err)
		err = open_reader(parser, EH_FRAME, &parser->frames.eh_frame);
	if (!err)
		err = open_reader(parser, DEBUG_FRAME, &parser->frames.debug_frame);
	parser->phase = PHASE_INFLATE;
	return err ? err : 1;
}

static int step_inflate(struct cfi_parser *parser, uint64_t max_bytes)
{
	int err = 0;

	for (unsigned int i = 0; i < READER_CNT && !err; i++)
		err = frame_section__inflate(
			&parser->readers[i].section, max_bytes, &parser->reason);
	if (!err)
		parser->phase = PHASE_SCAN;
	return err < 0 ? err : 1;
}

/* Cuts the FDE at the end of the segment it begins in. false: it is no code of this file. */
static bool clip_to_code(const struct cfi_parser *parser, struct fde *fde)
{
	const struct elf_range *code = parser->frames.code;

	for (unsigned int i = 0; i < parser->frames.code_cnt; i++) {
		if (fde->begin < code[i].start || fde->begin >= code[i].end)
			continue;
		if (fde->end > code[i].end)
			fde->end = code[i].end;
		return fde->begin < fde->end;
	}
	return false;
}

static int scan_fde(
	struct cfi_parser *parser, struct frame_reader *reader, const struct frame_entry *entry)
{
	struct fde fde;
	int err;

	err = frame_reader__fde_range(reader, entry, &fde);
	if (err)
		return refuse(parser, err, reader->reason);
	if (!clip_to_code(parser, &fde)) {
		parser->stats.fde_outside_cnt++;
		return 0;
	}
	parser->stats.fde_cnt++;
	err = fde_list__add(&parser->fdes, fde.begin - parser->code_start,
		reader->section.is_debug_frame, entry->offset);
	return err == -E2BIG ? refuse(parser, err, "too many FDEs") : err;
}

/* Where no section header told the section's size, it has as many FDEs as .eh_frame_hdr counts.
 * Without a count it ends at the first terminator, though the objects that were linked may leave
 * one before the end. */
static bool is_at_end(const struct cfi_parser *parser, const struct frame_reader *reader)
{
	const struct elf_section *place = &reader->section.place;

	return parser->offset >= reader->section.bytes ||
	       (place->is_open_ended && place->fde_cnt &&
		       parser->stats.fde_cnt + parser->stats.fde_outside_cnt >= place->fde_cnt);
}

/* One record. 1: there may be more in this section, 0: no. */
static int scan_record(struct cfi_parser *parser)
{
	struct frame_reader *reader = &parser->readers[parser->reader];
	struct frame_entry entry;
	int err = 0;

	if (is_at_end(parser, reader))
		return 0;
	if (frame_reader__head(reader, parser->offset, &entry))
		return refuse(parser, -EINVAL, reader->reason);
	if (entry.kind == FRAME_ENTRY_FDE)
		err = scan_fde(parser, reader, &entry);
	else if (entry.kind == FRAME_ENTRY_TERMINATOR && reader->section.place.is_open_ended &&
		 !reader->section.place.fde_cnt)
		return 0;
	parser->offset = entry.end;
	return err ? err : 1;
}

static int step_scan(struct cfi_parser *parser, uint32_t fde_cnt)
{
	int more = 1;

	for (uint32_t i = 0; i < fde_cnt && more == 1; i++)
		more = scan_record(parser);
	if (more)
		return more;
	parser->offset = 0;
	if (++parser->reader == READER_CNT)
		parser->phase = PHASE_SORT;
	return 1;
}

static int step_sort(struct cfi_parser *parser)
{
	int err = fde_list__sort_step(&parser->fdes);

	if (!err && !parser->fdes.cnt)
		return refuse(parser, -ENODATA, "no call frame information for any code");
	if (!err)
		parser->phase = PHASE_ROWS;
	return err < 0 ? err : 1;
}

static bool is_covered(const struct cfi_parser *parser, uint32_t index)
{
	uint64_t key = parser->fdes.keys[index];

	if (fde_key__is_debug_frame(key) &&
		parser->code_start + fde_key__begin(key) < parser->eh_frame_end)
		return true;
	return fde_list__is_duplicate(&parser->fdes, index);
}

static void cut_at_next(struct cfi_parser *parser, uint32_t index, struct fde *fde)
{
	uint32_t begin;

	if (!fde_list__next_begin(&parser->fdes, index, &begin) ||
		parser->code_start + begin >= fde->end)
		return;
	fde->end = parser->code_start + begin;
	parser->stats.fde_overlap_cnt++;
}

/* Rows of the next FDE in the list; *ret_bytes: its size, as a measure of the work. */
static int add_fde(struct cfi_parser *parser, uint64_t *ret_bytes)
{
	uint32_t index = parser->next_fde++;
	uint64_t key = parser->fdes.keys[index];
	struct frame_reader *reader = &parser->readers[fde_key__is_debug_frame(key)];
	struct frame_entry entry;
	struct fde fde;
	int err;

	if (is_covered(parser, index)) {
		parser->stats.fde_overlap_cnt++;
		return 0;
	}
	err = frame_reader__head(reader, fde_key__offset(key), &entry);
	if (!err)
		err = frame_reader__fde(reader, &entry, &fde);
	if (err)
		return refuse(parser, err, reader->reason);
	if (entry.kind != FRAME_ENTRY_FDE ||
		fde.begin != parser->code_start + fde_key__begin(key) ||
		!clip_to_code(parser, &fde))
		return refuse(parser, -EIO, "the file changed while it was read");
	*ret_bytes = entry.end - entry.offset;
	cut_at_next(parser, index, &fde);
	if (!fde_key__is_debug_frame(key) && fde.end > parser->eh_frame_end)
		parser->eh_frame_end = fde.end;
	return fde_rows__add(parser->rows, &fde, &parser->reason);
}

static int step_rows(struct cfi_parser *parser, uint32_t fde_cnt)
{
	uint64_t bytes, left = (uint64_t)fde_cnt * FDE_BYTES;
	int err = 0;

	for (uint32_t i = 0; i < fde_cnt && left && !err && parser->next_fde < parser->fdes.cnt;
		i++) {
		bytes = 0;
		err = add_fde(parser, &bytes);
		left -= bytes < left ? bytes : left;
	}
	if (err)
		return err;
	if (parser->next_fde < parser->fdes.cnt)
		return 1;
	err = fde_rows__finish(parser->rows, &parser->table, &parser->reason);
	parser->phase = PHASE_BARE;
	return err ? err : 1;
}

/* Code without call frame information is no reason to refuse a file. */
static int step_bare(struct cfi_parser *parser, uint32_t insn_cnt)
{
	struct unwind_table *table = NULL;
	int more = 0;

	parser->phase = PHASE_DONE;
	if (!parser->bare && parser->limits.bare_bytes &&
		parser->table->row_cnt <= parser->limits.bare_row_cnt) {
		parser->bare = bare_code__new(&parser->source, &parser->frames, parser->table,
			parser->all_rules, parser->limits.bare_bytes);
		more = 1;
	} else if (parser->bare) {
		more = bare_code__step(parser->bare, insn_cnt);
	}
	if (!parser->bare)
		return 0;
	if (more > 0) {
		parser->phase = PHASE_BARE;
		return 1;
	}
	if (!more && !bare_code__finish(parser->bare, &table) && table) {
		unwind_table__free(parser->table);
		parser->table = table;
	}
	parser->bare_stats = *bare_code__stats(parser->bare);
	bare_code__free(parser->bare);
	parser->bare = NULL;
	return 0;
}

static int step(struct cfi_parser *parser, uint32_t fde_cnt)
{
	switch (parser->phase) {
	case PHASE_OPEN:
		return step_open(parser);
	case PHASE_INFLATE:
		return step_inflate(parser, (uint64_t)fde_cnt * FDE_BYTES);
	case PHASE_SCAN:
		return step_scan(parser, fde_cnt);
	case PHASE_SORT:
		return step_sort(parser);
	case PHASE_ROWS:
		return step_rows(parser, fde_cnt);
	case PHASE_BARE:
		return step_bare(parser, fde_cnt * INSNS_AN_FDE);
	case PHASE_DONE:
		break;
	}
	return 0;
}

int cfi_parser__step(struct cfi_parser *parser, uint32_t fde_cnt)
{
	int more;

	if (parser->err)
		return parser->err;
	more = step(parser, fde_cnt ? fde_cnt : 1);
	if (more < 0) {
		parser->err = more;
		if (!parser->reason)
			parser->reason = more == -ENOMEM ? "out of memory" : "cannot be read";
	}
	return more;
}

int cfi_parser__finish(struct cfi_parser *parser, struct unwind_table **ret_table)
{
	if (!parser->table)
		return -EINVAL;
	*ret_table = parser->table;
	parser->table = NULL;
	return 0;
}

bool cfi_parser__has_go(const struct cfi_parser *parser)
{
	return parser->frames.has_go;
}

void cfi_parser__bare_stats(const struct cfi_parser *parser, struct bare_code_stats *ret)
{
	*ret = parser->bare_stats;
}

const char *cfi_parser__reason(const struct cfi_parser *parser)
{
	return parser->reason;
}

const struct cfi_stats *cfi_parser__stats(const struct cfi_parser *parser)
{
	return &parser->stats;
}
