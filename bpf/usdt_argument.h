/* SPDX-License-Identifier: GPL-2.0 */
/* Where a statically defined probe (USDT) has its arguments, as the daemon reads it from the file's notes. */
#ifndef BPFPROF_USDT_ARGUMENT_H
#define BPFPROF_USDT_ARGUMENT_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum usdt_kind {
	USDT_CONSTANT = 0, /* offset */
	USDT_REGISTER,     /* reg */
	USDT_MEMORY,       /* at reg + index * scale + offset */
};

#define USDT_NO_REGISTER 0xff

struct usdt_argument {
	__u8 kind;
	__u8 reg;   /* DWARF's number; USDT_NO_REGISTER: none */
	__u8 index; /* the same */
	__u8 scale;
	__u8 bytes; /* 1, 2, 4 or 8 */
	__u8 is_signed;
	__u8 pad[2];
	__s64 offset;
};
_Static_assert(sizeof(struct usdt_argument) == 16, "no hidden padding in an argument");

#define USDT_ARGUMENTS_MAX 3
struct usdt_arguments {
	struct usdt_argument arguments[USDT_ARGUMENTS_MAX];
};

#endif
