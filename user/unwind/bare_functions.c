// SPDX-License-Identifier: GPL-2.0
/* Where functions begin that no call frame information tells of: symbols, and what is called. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "unwind/bare_gaps.h"

#define SECTIONS_MAX   8192
#define SYMBOLS_MAX    200000
#define NAME_BYTES     256
#define SCAN_BYTES_MAX (8u << 20) /* of code that is searched for calls */
#define CALL_OPCODE    0xe8
#define CALL_BYTES     5
#define CHUNK_BYTES    65536u

/* A part of a function that the compiler put elsewhere is none by itself: its frame is there already. */
static bool is_fragment(const struct elf_source *source, const Elf64_Shdr *names, uint32_t name)
{
	char text[NAME_BYTES + 1] = {0};
	uint64_t left;

	if (name >= names->sh_size || names->sh_offset > source->bytes ||
		name >= source->bytes - names->sh_offset)
		return false;
	left = source->bytes - names->sh_offset - name;
	if (elf_source__read(
		    source, names->sh_offset + name, text, left < NAME_BYTES ? left : NAME_BYTES))
		return false;
	return strstr(text, ".cold") != NULL;
}

static void add_symbols(const struct gaps *gaps, const struct elf_source *source,
	const Elf64_Shdr *table, const Elf64_Shdr *names, struct gap_list *global,
	struct gap_list *local)
{
	uint64_t cnt = table->sh_size / sizeof(Elf64_Sym), i;
	Elf64_Sym *symbols;
	uint32_t at;

	if (!cnt || cnt > SYMBOLS_MAX)
		return;
	symbols = malloc(cnt * sizeof(*symbols));
	if (!symbols || elf_source__read(source, table->sh_offset, symbols, cnt * sizeof(*symbols)))
		cnt = 0;
	for (i = 0; i < cnt; i++) {
		unsigned char type = ELF64_ST_TYPE(symbols[i].st_info);
		bool is_local = ELF64_ST_BIND(symbols[i].st_info) == STB_LOCAL;

		if ((type != STT_FUNC && type != STT_GNU_IFUNC) || !symbols[i].st_shndx ||
			!gaps__find(gaps, symbols[i].st_value, &at) ||
			(is_local && is_fragment(source, names, symbols[i].st_name)))
			continue;
		gap_list__add(is_local ? local : global, at);
	}
	free(symbols);
}

void gaps__find_symbols(const struct gaps *gaps, const struct elf_source *source,
	struct gap_list *global, struct gap_list *local)
{
	Elf64_Ehdr ehdr;
	Elf64_Shdr *headers;
	unsigned int i;

	if (elf_source__read(source, 0, &ehdr, sizeof(ehdr)) || !ehdr.e_shoff || !ehdr.e_shnum ||
		ehdr.e_shnum > SECTIONS_MAX || ehdr.e_shentsize != sizeof(*headers))
		return;
	headers = calloc(ehdr.e_shnum, sizeof(*headers));
	if (headers &&
		!elf_source__read(source, ehdr.e_shoff, headers, ehdr.e_shnum * sizeof(*headers)))
		for (i = 0; i < ehdr.e_shnum; i++)
			if ((headers[i].sh_type == SHT_DYNSYM ||
				    headers[i].sh_type == SHT_SYMTAB) &&
				headers[i].sh_link < ehdr.e_shnum)
				add_symbols(gaps, source, &headers[i], &headers[headers[i].sh_link],
					global, local);
	free(headers);
}

/* Reads the code in chunks that overlap by `overlap` bytes. */
static void each_chunk(const struct elf_source *source, const struct elf_frames *frames,
	size_t overlap, void (*fn)(const uint8_t *bytes, size_t cnt, uint64_t address, void *arg),
	void *arg)
{
	uint8_t *bytes = malloc(CHUNK_BYTES);
	uint64_t total = 0, done, cnt;
	unsigned int i;

	for (i = 0; i < frames->code_cnt; i++)
		total += frames->code[i].file_bytes;
	for (i = 0; bytes && total <= SCAN_BYTES_MAX && i < frames->code_cnt; i++) {
		const struct elf_range *code = &frames->code[i];

		for (done = 0; done + overlap < code->file_bytes; done += cnt - overlap) {
			cnt = code->file_bytes - done;
			if (cnt > CHUNK_BYTES)
				cnt = CHUNK_BYTES;
			if (elf_source__read(source, code->offset + done, bytes, cnt))
				break;
			fn(bytes, cnt, code->start + done, arg);
		}
	}
	free(bytes);
}

struct call_scan {
	const struct gaps *gaps;
	struct gap_list *list;
};

static void scan_calls(const uint8_t *bytes, size_t cnt, uint64_t address, void *arg)
{
	const struct call_scan *scan = arg;
	const uint8_t *call = bytes, *last = bytes + cnt - CALL_BYTES;
	int32_t distance;
	uint32_t at;

	while (call <= last && (call = memchr(call, CALL_OPCODE, (size_t)(last - call) + 1))) {
		uint64_t from = address + (uint64_t)(call - bytes);

		memcpy(&distance, call + 1, sizeof(distance));
		if (gaps__find(scan->gaps, from + CALL_BYTES + (uint64_t)(int64_t)distance, &at) &&
			!gaps__find(scan->gaps, from, &(uint32_t){0}))
			gap_list__add(scan->list, at);
		call++;
	}
}

void gaps__find_calls(const struct gaps *gaps, const struct elf_source *source,
	const struct elf_frames *frames, struct gap_list *list)
{
	struct call_scan scan = {.gaps = gaps, .list = list};

	each_chunk(source, frames, CALL_BYTES - 1, scan_calls, &scan);
}

/* Takes its stack from a callee-saved register, and the next context from there: no function's caller has left that. */
static const uint8_t context_code[] = {
	0x48, 0x89, 0xdc,       /* mov %rbx,%rsp */
	0x48, 0x8b, 0x3c, 0x24, /* mov (%rsp),%rdi */
	0x48, 0x85, 0xff,       /* test %rdi,%rdi */
	0x74,                   /* je */
};

struct context_scan {
	uint64_t *addresses;
	uint32_t cnt, max;
};

static void scan_contexts(const uint8_t *bytes, size_t cnt, uint64_t address, void *arg)
{
	struct context_scan *scan = arg;
	const uint8_t *found = bytes;

	while (scan->cnt < scan->max && (found = memmem(found, cnt - (size_t)(found - bytes),
						 context_code, sizeof(context_code))))
		scan->addresses[scan->cnt++] = address + (uint64_t)(found++ - bytes);
}

uint32_t code__find_contexts(const struct elf_source *source, const struct elf_frames *frames,
	uint64_t *addresses, uint32_t max)
{
	struct context_scan scan = {.addresses = addresses, .max = max};

	each_chunk(source, frames, sizeof(context_code) - 1, scan_contexts, &scan);
	return scan.cnt;
}
