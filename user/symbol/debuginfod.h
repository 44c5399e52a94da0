/* SPDX-License-Identifier: GPL-2.0 */
/* Debug files from the servers in DEBUGINFOD_URLS, by build id; elfutils' client does the asking and keeps its cache. */
#ifndef SYMBOL_DEBUGINFOD_H
#define SYMBOL_DEBUGINFOD_H

struct debuginfod;
struct elf_view;

/* NULL: out of memory. */
struct debuginfod *debuginfod__new(void);
void debuginfod__free(struct debuginfod *debuginfod);
/* The debug file of the ELF file in view, whose build id is hex: a descriptor, or -ENOENT. Waits for the network, a minute
 * at the most; after two failures that are the servers' they are not asked again. */
int debuginfod__open(
	struct debuginfod *debuginfod, const struct elf_view *view, const char *build_id_hex);
/* Why debug files are missing; NULL: the servers have answered all the time. */
const char *debuginfod__reason(const struct debuginfod *debuginfod);

#endif
