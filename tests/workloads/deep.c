// SPDX-License-Identifier: GPL-2.0
/* Recursion of a known depth to a leaf that burns: the stacks that the unwinder's tests expect to the last frame.
 *
 *   deep FRAME LEAF DEPTH SECONDS [thread] [context]
 *
 * Function FRAME_i calls FRAME_(i-1 modulo CYCLE), so that a frame that is missing, doubled or in another order shows. Built
 * without frame pointers; nothing here is a tail call. With SECONDS 0 it burns until it is killed. */
#include <alloca.h>
#include <ctype.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <x86intrin.h>

#define NOINLINE    __attribute__((noinline, noclone, noipa))
#define STACK_BYTES (64u << 20)

static volatile uint64_t sink;
static uint64_t deadline_tsc = UINT64_MAX;
static uint64_t (*leaf)(uint64_t seed);
static volatile sig_atomic_t is_over;
static char *text;
static size_t text_bytes = 1 << 16;

static NOINLINE int is_late(void)
{
	return __rdtsc() > deadline_tsc;
}

/* ---- leaves ---- */

static NOINLINE uint64_t leaf_burn(uint64_t seed)
{
	uint64_t i;

	while (!is_late())
		for (i = 0; i < 1000000; i++)
			seed = seed * 6364136223846793005ull + i;
	return seed;
}

static NOINLINE void on_signal(int number)
{
	sink += leaf_burn((uint64_t)number);
	is_over = 1;
}

/* The signal interrupts interrupted() anywhere: in its first and its last instruction too. */
static NOINLINE uint64_t interrupted(uint64_t seed)
{
	return seed * 3 + sink;
}

static uint64_t burn_in_signal(uint64_t seed, int flags)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
	struct itimerval timer = {.it_value.tv_usec = 2000};

	sigaction(SIGPROF, &action, NULL);
	setitimer(ITIMER_PROF, &timer, NULL);
	while (!is_over)
		seed = interrupted(seed);
	return seed;
}

static NOINLINE uint64_t leaf_signal(uint64_t seed)
{
	return burn_in_signal(seed, SA_RESTART) + 1;
}

static NOINLINE uint64_t leaf_sigaltstack(uint64_t seed)
{
	stack_t stack = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};

	sigaltstack(&stack, NULL);
	return burn_in_signal(seed, SA_RESTART | SA_ONSTACK) + 1;
}

/* The handler of a fault would return to it. */
static NOINLINE void on_fault(int number)
{
	sink += leaf_burn((uint64_t)number);
	_exit(0);
}

/* A fault at a function's first instruction: the byte before it belongs to no function, so pc-1 would find nothing. */
void fault_at_entry(void);
__asm__(".pushsection .text\n.p2align 4\n.skip 32, 0xcc\n.type fault_at_entry, @function\nfault_at_entry:\n"
	".cfi_startproc\nud2\nret\n.cfi_endproc\n.size fault_at_entry, . - fault_at_entry\n.popsection");

static NOINLINE uint64_t leaf_fault(uint64_t seed)
{
	struct sigaction action = {.sa_handler = on_fault};

	sigaction(SIGILL, &action, NULL);
	sink += seed;
	fault_at_entry();
	return sink;
}

static NOINLINE int compare(const void *left, const void *right)
{
	sink = leaf_burn(sink);
	return *(const int *)left - *(const int *)right;
}

static NOINLINE uint64_t leaf_qsort(uint64_t seed)
{
	int numbers[3] = {3, 1, 2};

	qsort(numbers, 3, sizeof(*numbers), compare);
	return seed + (uint64_t)numbers[0];
}

static NOINLINE uint64_t leaf_strlen(uint64_t seed)
{
	size_t (*volatile function)(const char *) = strlen;

	while (!is_late())
		seed += function(text);
	return seed;
}

static NOINLINE uint64_t leaf_memcpy(uint64_t seed)
{
	void *(*volatile function)(void *, const void *, size_t) = memcpy;

	while (!is_late())
		function(text + text_bytes / 2, text, text_bytes / 2 - 1 - (seed++ & 63));
	return seed;
}

static NOINLINE uint64_t leaf_vdso(uint64_t seed)
{
	struct timespec now;
	int i;

	while (!is_late())
		for (i = 0; i < 1000; i++) {
			clock_gettime(CLOCK_MONOTONIC, &now);
			seed += (uint64_t)now.tv_nsec;
		}
	return seed;
}

/* A short libc function: many ticks hit the stub and its first and last instructions. */
static NOINLINE uint64_t leaf_plt(uint64_t seed)
{
	int i;

	while (!is_late())
		for (i = 0; i < 1000; i++)
			seed += (uint64_t)(toupper((int)(seed & 127)) +
					   tolower((int)(seed >> 9 & 127)));
	return seed;
}

static NOINLINE uint64_t leaf_read(uint64_t seed)
{
	static char block[1 << 20];
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	while (!is_late())
		seed += (uint64_t)read(fd, block, sizeof(block));
	close(fd);
	return seed;
}

/* The code of a library that was loaded while bpfprof was running; it has a little time to learn of it. */
static NOINLINE uint64_t leaf_dlopen(uint64_t seed)
{
	void *library = dlopen(getenv("DEEP_LIBRARY"), RTLD_NOW);
	uint64_t start_tsc;
	uint64_t (*function)(uint64_t, uint64_t) = library ? dlsym(library, "deep_library_burn")
							   : NULL;

	if (!function) {
		fprintf(stderr, "deep: %s\n", dlerror());
		_exit(1);
	}
	start_tsc = __rdtsc();
	usleep(150000);
	if (deadline_tsc != UINT64_MAX)
		deadline_tsc += __rdtsc() - start_tsc;
	return function(seed, deadline_tsc) + 1;
}

/* ---- frames ---- */

#define CYCLE(MAKE) MAKE(0, 6) MAKE(1, 0) MAKE(2, 1) MAKE(3, 2) MAKE(4, 3) MAKE(5, 4) MAKE(6, 5)

typedef uint64_t frame_fn(uint64_t n, uint64_t seed);

/* Each function does some work of its own around the call: rows differ from function to function. */
#define PLAIN(i, below)                                                                            \
	uint64_t NOINLINE plain_##i(uint64_t n, uint64_t seed);                                    \
	frame_fn plain_##below;                                                                    \
	uint64_t NOINLINE plain_##i(uint64_t n, uint64_t seed)                                     \
	{                                                                                          \
		volatile uint64_t local[i + 1];                                                    \
		local[i] = seed;                                                                   \
		seed = n ? plain_##below(n - 1, seed * 3) : leaf(seed);                            \
		return seed + local[i] * n;                                                        \
	}
CYCLE(PLAIN)

#define ALLOCA(i, below)                                                                           \
	uint64_t NOINLINE alloca_##i(uint64_t n, uint64_t seed);                                   \
	frame_fn alloca_##below;                                                                   \
	uint64_t NOINLINE alloca_##i(uint64_t n, uint64_t seed)                                    \
	{                                                                                          \
		volatile uint64_t *local = alloca(8 * (n % 50 + i + 1));                           \
		volatile uint64_t array[n % 9 + 1];                                                \
		local[i] = array[0] = seed;                                                        \
		seed = n ? alloca_##below(n - 1, seed * 3) : leaf(seed);                           \
		return seed + local[i] * n + array[0];                                             \
	}
CYCLE(ALLOCA)

#define HUGE(i, below)                                                                             \
	uint64_t NOINLINE huge_##i(uint64_t n, uint64_t seed);                                     \
	frame_fn huge_##below;                                                                     \
	uint64_t NOINLINE huge_##i(uint64_t n, uint64_t seed)                                      \
	{                                                                                          \
		volatile uint64_t local[4100 + 600 * i];                                           \
		local[i] = seed;                                                                   \
		seed = n ? huge_##below(n - 1, seed * 3) : leaf(seed);                             \
		return seed + local[i] * n;                                                        \
	}
CYCLE(HUGE)

/* Arguments on the stack and aligned locals of a size that is not known: gcc keeps the argument pointer (DRAP) in a register
 * and describes the frame by a DWARF expression. */
typedef uint64_t align_fn(uint64_t n, uint64_t seed, int, int, int, int, uint64_t, uint64_t);
#define ALIGN(i, below)                                                                            \
	align_fn align_##i, align_##below;                                                         \
	uint64_t NOINLINE align_##i(                                                               \
		uint64_t n, uint64_t seed, int a, int b, int c, int d, uint64_t e, uint64_t f)     \
	{                                                                                          \
		volatile uint64_t local[i + 4] __attribute__((aligned(32 << (i % 3))));            \
		volatile char *more = (i & 1) ? alloca(n % 90 + 1) : (volatile char *)local;       \
		local[i] = seed;                                                                   \
		more[0] = (char)f;                                                                 \
		seed = n ? align_##below(n - 1, seed * 3, b, a, d, c, f, e) : leaf(seed);          \
		return seed + local[i] * n + e * (uint64_t)a + f * (uint64_t)more[0];              \
	}
CYCLE(ALIGN)

/* ---- the way down ---- */

static const char *frame_name;
static uint64_t depth;

#define FIRST_OF(i, below) {plain_##i, alloca_##i, huge_##i, align_##i},

static NOINLINE uint64_t descend(void)
{
	static const struct {
		frame_fn *plain, *dynamic, *huge;
		align_fn *align;
	} first[] = {CYCLE(FIRST_OF)};
	uint64_t n = depth - 1, i = n % 7;

	switch (frame_name[0]) {
	case 'p':
		return first[i].plain(n, 1) + 1;
	case 'a':
		if (frame_name[2] == 'i')
			return first[i].align(n, 1, 2, 3, 4, 5, 6, 7) + 1;
		return first[i].dynamic(n, 1) + 1;
	default:
		return first[i].huge(n, 1) + 1;
	}
}

static NOINLINE void *thread_main(void *arg)
{
	sink += descend();
	return arg;
}

#ifndef NO_CONTEXT
static ucontext_t main_context, coroutine_context;

static NOINLINE void coroutine_main(void)
{
	sink += descend();
	sink++;
}

static NOINLINE uint64_t descend_in_context(void)
{
	getcontext(&coroutine_context);
	coroutine_context.uc_stack.ss_sp = malloc(STACK_BYTES);
	coroutine_context.uc_stack.ss_size = STACK_BYTES;
	coroutine_context.uc_link = &main_context;
	makecontext(&coroutine_context, coroutine_main, 0);
	swapcontext(&main_context, &coroutine_context);
	return sink;
}
#endif

static void descend_in_thread(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	if (pthread_create(&thread, &attr, thread_main, NULL))
		_exit(1);
	pthread_join(thread, NULL);
}

static uint64_t tsc_hz(void)
{
	struct timespec start, now;
	uint64_t tsc, ns;

	clock_gettime(CLOCK_MONOTONIC, &start);
	tsc = __rdtsc();
	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
		ns = (uint64_t)(now.tv_sec - start.tv_sec) * 1000000000ull +
		     (uint64_t)(now.tv_nsec - start.tv_nsec);
	} while (ns < 2000000);
	return (__rdtsc() - tsc) * 1000000000ull / ns;
}

static const struct {
	const char *name;
	uint64_t (*fn)(uint64_t seed);
} leaves[] = {
	{"burn", leaf_burn},
	{"signal", leaf_signal},
	{"sigaltstack", leaf_sigaltstack},
	{"fault", leaf_fault},
	{"qsort", leaf_qsort},
	{"strlen", leaf_strlen},
	{"memcpy", leaf_memcpy},
	{"vdso", leaf_vdso},
	{"plt", leaf_plt},
	{"read", leaf_read},
	{"dlopen", leaf_dlopen},
};

int main(int argc, char **argv)
{
	size_t i;

	if (argc < 5)
		return 2;
	frame_name = argv[1];
	for (i = 0; i < sizeof(leaves) / sizeof(*leaves); i++)
		if (!strcmp(argv[2], leaves[i].name))
			leaf = leaves[i].fn;
	depth = strtoul(argv[3], NULL, 10);
	if (!leaf || !depth)
		return 2;
	if (atof(argv[4]) > 0)
		deadline_tsc = __rdtsc() + (uint64_t)(atof(argv[4]) * (double)tsc_hz());
	text = malloc(text_bytes);
	memset(text, 'x', text_bytes);
	text[text_bytes - 1] = 0;
	if (argc > 5 && !strcmp(argv[5], "thread"))
		descend_in_thread();
#ifndef NO_CONTEXT
	else if (argc > 5 && !strcmp(argv[5], "context"))
		sink += descend_in_context();
#endif
	else
		sink += descend();
	return sink == 42;
}
