// SPDX-License-Identifier: GPL-2.0
/* A sampler of its own allocations that tells them by OpenTelemetry's probes: heap_usdt [WAIT_MS [LATE_MS]]
 *
 * Like the C library's <sys/sdt.h> it has a nop for each probe, a note that says where, and a semaphore, which says whether
 * anybody listens: who does not find it above 0 leaves the probe out. The arguments are in registers, on the stack and
 * constant. What is sampled is known: leak_*() are there for ever, balanced() is not.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* note: pc, base, semaphore; provider, name, arguments */
#define NOTE(name, semaphore, arguments)                                                           \
	"990:	nop\n"                                                                               \
	".pushsection .note.stapsdt,\"\",\"note\"\n"                                               \
	".balign 4\n"                                                                              \
	".4byte 992f-991f, 994f-993f, 3\n"                                                         \
	"991: .asciz \"stapsdt\"\n"                                                                \
	"992: .balign 4\n"                                                                         \
	"993: .8byte 990b\n"                                                                       \
	".8byte _.stapsdt.base\n"                                                                  \
	".8byte " semaphore "\n"                                                                   \
	".asciz \"otel_memory\"\n"                                                                 \
	".asciz \"" name "\"\n"                                                                    \
	".asciz \"" arguments "\"\n"                                                               \
	"994: .balign 4\n"                                                                         \
	".popsection\n"                                                                            \
	".ifndef _.stapsdt.base\n"                                                                 \
	".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"                    \
	".weak _.stapsdt.base\n"                                                                   \
	".hidden _.stapsdt.base\n"                                                                 \
	"_.stapsdt.base: .space 1\n"                                                               \
	".size _.stapsdt.base, 1\n"                                                                \
	".popsection\n"                                                                            \
	".endif\n"

volatile unsigned short listeners __asm__("otel_memory_semaphore")
	__attribute__((section(".probes"), used)) = 0;

static void *volatile keep;

static void tell_free(void *block)
{
	if (listeners)
		__asm__ volatile(NOTE("free", "otel_memory_semaphore", "8@%0") : : "r"(block));
}

/* All in registers; -4: a signed word of 32 bits. */
static __attribute__((noipa)) void leak_in_registers(void)
{
	int i;

	for (i = 0; i < 4; i++) {
		int size = 1000;
		uint64_t weight = 524288;

		keep = malloc((size_t)size);
		if (listeners)
			__asm__ volatile(NOTE("alloc", "otel_memory_semaphore", "8@%0 -4@%k1 8@%2")
					 :
					 : "r"(keep), "r"(size), "r"(weight));
	}
}

/* On the stack, and a constant. */
static __attribute__((noipa)) void leak_in_memory(void)
{
	int i;

	for (i = 0; i < 10; i++) {
		volatile uint64_t size = 30000;
		void *volatile block = malloc(size);

		keep = block;
		if (listeners)
			__asm__ volatile(
				NOTE("alloc", "otel_memory_semaphore", "8@%0 8@%1 8@$60000")
				:
				: "m"(block), "m"(size));
	}
}

/* Larger than the interval: it stands for itself. */
static __attribute__((noipa)) void balanced(void)
{
	void *blocks[50];
	int i;

	for (i = 0; i < 50; i++) {
		uint64_t size = 1 << 20;

		blocks[i] = malloc(size);
		if (listeners)
			__asm__ volatile(NOTE("alloc", "otel_memory_semaphore", "8@%0 8@%1 8@%1")
					 :
					 : "r"(blocks[i]), "r"(size));
	}
	for (i = 0; i < 50; i++) {
		tell_free(blocks[i]);
		free(blocks[i]);
	}
	tell_free(&keep); /* of what was sampled before anybody listened */
}

/* What is not sampled: no probe may count it. */
static __attribute__((noipa)) void unsampled(void)
{
	int i;

	for (i = 0; i < 1000; i++)
		free(keep = malloc(4000));
}

int main(int argc, char **argv)
{
	printf("%p\n", (void *)&listeners);
	fflush(stdout);
	usleep((useconds_t)(argc > 1 ? atoi(argv[1]) : 0) * 1000);
	leak_in_registers();
	leak_in_memory();
	balanced();
	unsampled();
	printf("%u\n", listeners);
	fflush(stdout);
	usleep((useconds_t)(argc > 2 ? atoi(argv[2]) : 0) * 1000);
	printf("%u\n", listeners);
	return 0;
}
