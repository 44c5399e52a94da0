// SPDX-License-Identifier: GPL-2.0
/* Two functions to measure a probe's cost on. */
#include "collect/heap_guard.h"

#if defined(__x86_64__)
__attribute__((naked, noinline)) void probe_cost__stepped(__attribute__((unused)) void *argument)
{
	__asm__ volatile("test %rdi, %rdi\n\tret");
}

__attribute__((naked, noinline)) void probe_cost__emulated(__attribute__((unused)) void *argument)
{
	__asm__ volatile("push %rbp\n\tpop %rbp\n\tret");
}
#else
__attribute__((noinline)) void probe_cost__stepped(void *argument)
{
	__asm__ volatile("" : : "r"(argument));
}

__attribute__((noinline)) void probe_cost__emulated(void *argument)
{
	__asm__ volatile("" : : "r"(argument));
}
#endif
