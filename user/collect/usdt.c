// SPDX-License-Identifier: GPL-2.0
/* The notes of statically defined probes (SystemTap's format 3: sourceware.org/systemtap/wiki/UserSpaceProbeImplementation). The
 * file is hostile input: what is read of it is bounded. */
#include "collect/usdt.h"

#include <string.h>

#define NOTES_SECTION   ".note.stapsdt"
#define BASE_SECTION    ".stapsdt.base"
#define NOTES_BYTES_MAX (4u << 20)
#define NOTES_MAX       65536
#define NOTE_OWNER      "stapsdt"
#define NOTE_TYPE       3

struct note {
	uint64_t pc;
	uint64_t
		base; /* of the section BASE_SECTION, as it was linked: prelink(8) may have moved it */
	uint64_t semaphore; /* 0: none */
	const char *provider, *name, *arguments;
};

struct reader {
	const struct elf_code *code;
	const char *provider;
	uint64_t base; /* 0: no such section */
	void (*fn)(const char *name, const struct usdt_probe *probe, void *arg);
	void *arg;
	uint32_t failed_cnt;
};

static Elf_Scn *section__find(Elf *elf, const char *name, GElf_Shdr *ret)
{
	Elf_Scn *section = NULL;
	const char *text;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, ret))
			continue;
		text = elf_strptr(elf, names, ret->sh_name);
		if (text && !strcmp(text, name))
			return section;
	}
	return NULL;
}

/* The offset in the file of data that the probed program can write. */
static uint64_t data__offset(Elf *elf, uint64_t addr)
{
	GElf_Phdr header;
	size_t cnt, i;

	if (elf_getphdrnum(elf, &cnt))
		return 0;
	for (i = 0; i < cnt; i++)
		if (gelf_getphdr(elf, (int)i, &header) && header.p_type == PT_LOAD &&
			header.p_flags & PF_W && addr - header.p_vaddr < header.p_filesz)
			return addr - header.p_vaddr + header.p_offset;
	return 0;
}

/* Three words, three texts that end in a zero. */
static int note__parse(const unsigned char *data, size_t bytes, struct note *ret)
{
	const char *text = (const char *)data + 3 * sizeof(uint64_t),
		   *end = (const char *)data + bytes;
	const char **texts[] = {&ret->provider, &ret->name, &ret->arguments};
	size_t i, len;

	if (bytes < 3 * sizeof(uint64_t))
		return -1;
	memcpy(&ret->pc, data, sizeof(uint64_t));
	memcpy(&ret->base, data + 8, sizeof(uint64_t));
	memcpy(&ret->semaphore, data + 16, sizeof(uint64_t));
	for (i = 0; i < 3; i++) {
		len = strnlen(text, (size_t)(end - text));
		if (len == (size_t)(end - text))
			return -1;
		*texts[i] = text;
		text += len + 1;
	}
	return 0;
}

static void reader__on_note(struct reader *reader, const struct note *note)
{
	uint64_t moved = reader->base ? reader->base - note->base : 0;
	struct usdt_probe probe = {0};
	int cnt;

	if (strcmp(note->provider, reader->provider))
		return;
	cnt = reader->code->machine == EM_X86_64
		      ? usdt_x86__parse(note->arguments, &probe.arguments)
		      : -1;
	if (note->semaphore)
		probe.semaphore_offset = data__offset(reader->code->elf, note->semaphore + moved);
	if (cnt < 0 || (note->semaphore && !probe.semaphore_offset) ||
		!elf_code__offset(reader->code, note->pc + moved, &probe.offset)) {
		reader->failed_cnt++;
		return;
	}
	probe.argument_cnt = cnt < USDT_ARGUMENTS_MAX ? (uint32_t)cnt : USDT_ARGUMENTS_MAX;
	reader->fn(note->name, &probe, reader->arg);
}

static size_t align4(size_t bytes)
{
	return (bytes + 3) & ~(size_t)3;
}

static void reader__read(struct reader *reader, const unsigned char *data, size_t bytes)
{
	struct note note;
	uint32_t header[3], i; /* bytes of the owner's name and of the rest, type */
	size_t at = 0;

	for (i = 0; i < NOTES_MAX && bytes - at >= sizeof(header); i++) {
		size_t owner, rest;

		memcpy(header, data + at, sizeof(header));
		owner = at + sizeof(header);
		if (header[0] > bytes - owner || align4(header[0]) > bytes - owner)
			return;
		rest = owner + align4(header[0]);
		if (header[1] > bytes - rest)
			return;
		if (header[2] == NOTE_TYPE && header[0] == sizeof(NOTE_OWNER) &&
			!memcmp(data + owner, NOTE_OWNER, sizeof(NOTE_OWNER)) &&
			!note__parse(data + rest, header[1], &note))
			reader__on_note(reader, &note);
		if (align4(header[1]) > bytes - rest)
			return;
		at = rest + align4(header[1]);
	}
}

uint32_t usdt__each(const struct elf_code *code, const char *provider,
	void (*fn)(const char *name, const struct usdt_probe *probe, void *arg), void *arg)
{
	struct reader reader = {.code = code, .provider = provider, .fn = fn, .arg = arg};
	GElf_Shdr header;
	Elf_Data *data;
	Elf_Scn *section;

	if (section__find(code->elf, BASE_SECTION, &header))
		reader.base = header.sh_addr;
	section = section__find(code->elf, NOTES_SECTION, &header);
	if (!section || header.sh_type != SHT_NOTE || header.sh_size > NOTES_BYTES_MAX)
		return 0;
	data = elf_rawdata(section, NULL);
	if (data && data->d_buf)
		reader__read(&reader, data->d_buf, data->d_size);
	return reader.failed_cnt;
}
