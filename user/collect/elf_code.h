/* SPDX-License-Identifier: GPL-2.0 */
/* The code of an ELF file by address, and the functions that its PLT leads to. */
#ifndef COLLECT_ELF_CODE_H
#define COLLECT_ELF_CODE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_CODE_SEGMENTS_MAX 16
#define ELF_CODE_SLOTS_MAX    256

struct elf_code_segment {
	uint64_t addr, bytes, offset;
};

/* A word that the dynamic linker fills with a function's address. */
struct elf_code_slot {
	uint64_t addr;
	uint32_t function; /* the caller's number */
};

struct elf_code {
	int fd;
	Elf *elf;
	uint16_t machine;
	struct elf_code_segment segments[ELF_CODE_SEGMENTS_MAX]; /* executable */
	uint32_t segment_cnt;
	struct elf_code_slot slots[ELF_CODE_SLOTS_MAX];
	uint32_t slot_cnt;
	uint64_t section_bytes; /* of sections that were read */
};

/* fd is borrowed. 0 or -ENOEXEC. */
int elf_code__open(int fd, struct elf_code *ret);
void elf_code__close(struct elf_code *code);

/* Calls fn for each function symbol that the file defines, of both tables. */
void elf_code__each_function(struct elf_code *code,
	void (*fn)(const char *name, const GElf_Sym *symbol, void *arg), void *arg);
/* Collects the slots of symbols for which number returns no less than 0. */
void elf_code__read_slots(
	struct elf_code *code, int (*number)(const char *name, void *arg), void *arg);

/* The file offset of an address in an executable segment. */
bool elf_code__offset(const struct elf_code *code, uint64_t addr, uint64_t *ret);
/* Reads code at addr; how much there was. */
size_t elf_code__read(const struct elf_code *code, uint64_t addr, void *buffer, size_t bytes);
/* The number of the function that the PLT entry at addr jumps to; -1: it is none that is known. */
int elf_code__plt_function(const struct elf_code *code, uint64_t addr);

#endif
