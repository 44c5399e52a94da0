/* SPDX-License-Identifier: GPL-2.0 */
/* The registers that a stack walk starts from, whichever architecture they were taken on. */
#ifndef BPF_REGS_H
#define BPF_REGS_H

#if defined(__TARGET_ARCH_x86)
#include "regs_x86.h"
#elif defined(__TARGET_ARCH_arm64)
#include "regs_arm64.h"
#else
#error "no register layout for this architecture"
#endif

#endif
