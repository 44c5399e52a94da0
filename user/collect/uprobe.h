/* SPDX-License-Identifier: GPL-2.0 */
/* Probes on user code: many at once where the kernel can, in one process alone. */
#ifndef COLLECT_UPROBE_H
#define COLLECT_UPROBE_H

#include <stdint.h>
#include <sys/types.h>

struct bpf_program;

/* How, best first. */
enum uprobe_kind {
	UPROBE_SESSION =
		0, /* entry and return in one program, the return only where the entry wants it: since 6.13 */
	UPROBE_MULTI, /* many addresses a link: since 6.6 */
	UPROBE_PERF,  /* a perf event an address */
	UPROBE_KIND_CNT,
};

extern const char *const uprobe_kind_names[UPROBE_KIND_CNT];

/* expected_attach_type of programs; the headers that we build with are older than the kernels that have them. */
#define UPROBE_ATTACH_MULTI   48 /* BPF_TRACE_UPROBE_MULTI */
#define UPROBE_ATTACH_SESSION 57 /* BPF_TRACE_UPROBE_SESSION */

/* The best kind that this kernel has. */
enum uprobe_kind uprobe_kind__detect(void);

struct uprobe_site {
	uint64_t offset; /* in the file */
	uint64_t cookie; /* bpf_get_attach_cookie() */
	/* In the file: of a counter of 16 bits, which the kernel keeps above 0 in the process while the probe is there; 0: none. */
	uint64_t semaphore_offset;
};

/* Links of one owner. */
struct uprobe_links {
	int *fds;
	uint32_t cnt;
};

/* Puts probes on the file behind fd, which hit in process pid alone, whatever else maps the file; is_return: where their
 * functions return. Adds to links. 0 or -errno: none of these was put. */
int uprobe_links__add(struct uprobe_links *links, enum uprobe_kind kind,
	struct bpf_program *program, int fd, pid_t pid, const struct uprobe_site *sites,
	uint32_t cnt, int is_return);
/* Takes all but the first cnt away. */
void uprobe_links__cut(struct uprobe_links *links, uint32_t cnt);
/* Takes all of them away: none hits afterwards. */
void uprobe_links__close(struct uprobe_links *links);

#endif
