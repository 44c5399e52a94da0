// SPDX-License-Identifier: GPL-2.0
/* Prints the unwind rows of an ELF file as text, read back from the table that BPF gets. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <unistd.h>

#include "process/clock.h"
#include "unwind/cfi.h"
#include "unwind/rule_text.h"

#define SLICE_FDES 2000

static const char help[] =
	"Usage: unwind-dump [--stats] [--bare] ELF...\n"
	"       unwind-dump [--stats] --vdso\n"
	"Prints the unwind table that bpfprof builds of each file, one row a line. A row holds from\n"
	"its ELF address up to the next one.\n"
	"\n"
	"  -s, --stats  print figures instead of rows\n"
	"  -b, --bare   also for code without call frame information, by its instructions,\n"
	"               as bpfprof does\n"
	"  -v, --vdso   this process's vDSO, from memory\n"
	"  -h, --help\n"
	"\n"
	"  0x1234 cfa=CFA rbp=RBP ra=c-8 [rbx=RBX] [signal]\n"
	"    CFA  rsp+16        a register and a constant (rsp, rbp, or another one in a leaf)\n"
	"         *(rbp-8)+0    the same, loaded, and a constant\n"
	"         *(rsp+8*r9+8)+8   an array's word, loaded, and a constant\n"
	"         plt11         rsp+8, and 8 more from byte 11 of a 16-byte PLT stub on\n"
	"    RBP  c-16          saved in memory at CFA-16\n"
	"         *(rbp+0)      saved in memory at rbp+0 (or rsp+N)\n"
	"         u             unchanged\n"
	"         lost          cannot be recovered\n"
	"    ra   c-8           the return address is in memory at CFA-8, or in a register (rdi)\n"
	"    RBX  c-24          saved in memory at CFA-24, or lost; unchanged where nothing is said\n"
	"    signal             a frame that a signal interrupted: the caller's address is exact\n"
	"  0x1234 sigframe rsp+0     a kernel signal frame: registers are in the ucontext at rsp+0\n"
	"  0x1234 root               the first frame of its thread: no return address\n"
	"  0x1234 unsupported        a DWARF expression that no row can hold\n"
	"  0x1234 end                no code that is known from here on\n";

struct figures {
	uint64_t rows;
	struct bare_code_stats bare;
	uint64_t cfa_kinds[UNWIND_CFA_UNSUPPORTED + 1];
	double ms;
	double longest_step_ms;
};

static double now_ms(void)
{
	return (double)clock__ns(CLOCK_MONOTONIC) / 1e6;
}

static void print_rows(const struct unwind_table *table, const struct unwind_rules *rules)
{
	struct unwind_table_iter iter = {.table = table};
	char text[RULE_TEXT_BYTES];
	uint64_t address;
	uint16_t rule;

	while (unwind_table_iter__next(&iter, &address, &rule))
		printf("0x%" PRIx64 " %s\n", address,
			unwind_rule__text(unwind_rules__get(rules, rule), text));
}

static void count_rows(
	const struct unwind_table *table, const struct unwind_rules *rules, struct figures *figures)
{
	struct unwind_table_iter iter = {.table = table};
	uint64_t address;
	uint16_t rule;

	while (unwind_table_iter__next(&iter, &address, &rule)) {
		figures->rows++;
		figures->cfa_kinds[unwind_rules__get(rules, rule)->cfa]++;
	}
}

static void print_stats(const char *name, const struct unwind_table *table,
	const struct unwind_rules *rules, const struct cfi_stats *stats, struct figures *figures)
{
	static const char *const kinds[] = {"end", "rsp", "rbp", "reg", "rbp_deref", "rsp_deref",
		"reg_deref", "rsp_index_deref", "plt", "sigframe", "root", "unsupported"};
	struct rusage usage;

	count_rows(table, rules, figures);
	getrusage(RUSAGE_SELF, &usage);
	printf("%s: rows=%u pages=%u bytes=%zu rules=%u fdes=%u outside=%u "
	       "overlaps=%u cfi_rows=%u\n",
		name, table->row_cnt, table->page_cnt, unwind_table__bytes(table),
		unwind_rules__cnt(rules), stats->fde_cnt, stats->fde_outside_cnt,
		stats->fde_overlap_cnt, stats->cfi_row_cnt);
	printf("%s: unsupported=%u (%.4f%% of the CFI's rows) rbp_lost=%u no_rule_id=%u\n", name,
		stats->unsupported_cnt,
		stats->cfi_row_cnt ? 100.0 * stats->unsupported_cnt / stats->cfi_row_cnt : 0.0,
		stats->rbp_lost_cnt, stats->no_rule_id_cnt);
	printf("%s:", name);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		printf(" %s=%" PRIu64, kinds[i], figures->cfa_kinds[i]);
	printf("\n%s: bare_bytes=%u bare_functions=%u bare_refused=%u bare_rows=%u", name,
		figures->bare.bytes, figures->bare.function_cnt, figures->bare.refused_cnt,
		figures->bare.row_cnt);
	printf("\n%s: build_ms=%.2f longest_step_ms=%.2f peak_rss_kb=%ld\n", name, figures->ms,
		figures->longest_step_ms, usage.ru_maxrss);
}

static int build(
	struct cfi_parser *parser, struct unwind_table **ret_table, struct figures *figures)
{
	double start = now_ms(), step_start = start, ms;
	int more;

	do {
		more = cfi_parser__step(parser, SLICE_FDES);
		ms = now_ms();
		if (ms - step_start > figures->longest_step_ms)
			figures->longest_step_ms = ms - step_start;
		step_start = ms;
	} while (more == 1);
	if (!more)
		more = cfi_parser__finish(parser, ret_table);
	figures->ms = now_ms() - start;
	cfi_parser__bare_stats(parser, &figures->bare);
	return more;
}

static int dump(
	const char *name, struct cfi_parser *parser, const struct unwind_rules *rules, int stats)
{
	struct unwind_table *table = NULL;
	struct figures figures = {0};
	const char *reason;
	int err;

	if (!parser) {
		fprintf(stderr, "unwind-dump: %s: out of memory\n", name);
		return 1;
	}
	err = build(parser, &table, &figures);
	if (err) {
		reason = cfi_parser__reason(parser);
		fprintf(stderr, "unwind-dump: %s: %s (%s)\n", name, reason ? reason : "refused",
			strerror(-err));
	} else if (stats) {
		print_stats(name, table, rules, cfi_parser__stats(parser), &figures);
	} else {
		print_rows(table, rules);
	}
	unwind_table__free(table);
	cfi_parser__free(parser);
	return err ? 1 : 0;
}

static int dump_file(
	const char *path, const struct cfi_limits *limits, struct unwind_rules *rules, int stats)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), status;

	if (fd < 0) {
		fprintf(stderr, "unwind-dump: %s: %s\n", path, strerror(errno));
		return 1;
	}
	status = dump(path, cfi_parser__new_fd(fd, limits, rules), rules, stats);
	close(fd);
	return status;
}

/* The kernel tells no size, but section headers are what its file ends with. */
static int dump_vdso(const struct cfi_limits *limits, struct unwind_rules *rules, int stats)
{
	const Elf64_Ehdr *image = (const Elf64_Ehdr *)getauxval(AT_SYSINFO_EHDR);
	size_t bytes;

	if (!image) {
		fprintf(stderr, "unwind-dump: this process has no vDSO\n");
		return 1;
	}
	bytes = image->e_shoff + (size_t)image->e_shnum * image->e_shentsize;
	return dump("[vdso]", cfi_parser__new_memory(image, bytes, limits, rules), rules, stats);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"stats", no_argument, NULL, 's'},
		{"bare", no_argument, NULL, 'b'}, {"vdso", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'}, {0}};
	struct unwind_rules *rules = unwind_rules__new();
	struct cfi_limits limits = cfi_limits_default;
	int option, stats = 0, vdso = 0, status = 0;

	limits.bare_bytes = 0;

	while ((option = getopt_long(argc, argv, "sbvh", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			goto out;
		}
		if (option == 'b')
			limits.bare_bytes = cfi_limits_default.bare_bytes;
		stats |= option == 's';
		vdso |= option == 'v';
		if (option == '?')
			status = 2;
	}
	if (!rules || status || (optind == argc && !vdso)) {
		fputs(help, stderr);
		status = 2;
		goto out;
	}
	if (vdso)
		status |= dump_vdso(&limits, rules, stats);
	for (int i = optind; i < argc; i++)
		status |= dump_file(argv[i], &limits, rules, stats);
out:
	unwind_rules__free(rules);
	return status;
}
