// SPDX-License-Identifier: GPL-2.0
/* Recursion of a known depth in C++: destructors, exceptions, std::function, a virtual call.
 *
 *   deep_cc FRAME DEPTH SECONDS [thread]        FRAME: plain, function, throw
 */
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <x86intrin.h>

#define NOINLINE __attribute__((noinline, noclone, noipa))

static volatile uint64_t sink;
static uint64_t deadline_tsc;

struct guard {
	uint64_t value;
	explicit guard(uint64_t seed) : value(seed) {}
	NOINLINE ~guard() { sink = sink + value; }
};

extern "C" NOINLINE uint64_t leaf_burn(uint64_t seed)
{
	while (__rdtsc() < deadline_tsc)
		for (uint64_t i = 0; i < 1000000; i++)
			seed = seed * 6364136223846793005ull + i;
	return seed;
}

struct thrower {
	virtual NOINLINE uint64_t throw_at_depth(uint64_t n, uint64_t seed)
	{
		guard guard(seed);

		if (!n)
			throw std::runtime_error(std::string(40, 'x'));
		return throw_at_depth(n - 1, seed + 1) + 1;
	}
	virtual ~thrower() = default;
};

/* The two phases of libgcc's unwinder run over 10 frames. */
extern "C" NOINLINE uint64_t leaf_throw(uint64_t seed)
{
	thrower *volatile one = new thrower;

	while (__rdtsc() < deadline_tsc) {
		try {
			seed += one->throw_at_depth(10, seed);
		} catch (const std::exception &error) {
			seed += std::strlen(error.what());
		}
	}
	return seed;
}

static uint64_t (*leaf)(uint64_t) = leaf_burn;

#define CYCLE(MAKE) MAKE(0, 6) MAKE(1, 0) MAKE(2, 1) MAKE(3, 2) MAKE(4, 3) MAKE(5, 4) MAKE(6, 5)

#define PLAIN(i, below)                                                                            \
	extern "C" uint64_t plain_##below(uint64_t n, uint64_t seed);                              \
	extern "C" NOINLINE uint64_t plain_##i(uint64_t n, uint64_t seed)                          \
	{                                                                                          \
		guard guard(seed);                                                                 \
		std::string text(i * 9, 'y');                                                      \
		try {                                                                              \
			seed = n ? plain_##below(n - 1, seed * 3) : leaf(seed);                    \
		} catch (const std::bad_alloc &) {                                                 \
			seed = text.size();                                                        \
		}                                                                                  \
		return seed + n;                                                                   \
	}
CYCLE(PLAIN)

#define FUNCTION(i, below)                                                                         \
	extern "C" uint64_t function_##below(uint64_t n, uint64_t seed);                           \
	extern "C" NOINLINE uint64_t function_##i(uint64_t n, uint64_t seed)                       \
	{                                                                                          \
		guard guard(seed);                                                                 \
		std::function<uint64_t(uint64_t)> next = [n, &guard](uint64_t down) {              \
			return n ? function_##below(n - 1, down * 3) + guard.value : leaf(down) + 1; \
		};                                                                                 \
		std::function<uint64_t(uint64_t)> *volatile hidden = &next;                        \
		return (*hidden)(seed) + n;                                                        \
	}
CYCLE(FUNCTION)

#define FIRST_OF(i, below) {plain_##i, function_##i},

extern "C" NOINLINE void descend(bool is_function, uint64_t n)
{
	static uint64_t (*const first[][2])(uint64_t, uint64_t) = {CYCLE(FIRST_OF)};

	sink = sink + first[n % 7][is_function](n, 1);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	bool is_function = !std::strcmp(argv[1], "function");
	uint64_t n = std::strtoul(argv[2], nullptr, 10) - 1, start = __rdtsc();
	struct timespec wait = {0, 10000000};

	if (!std::strcmp(argv[1], "throw"))
		leaf = leaf_throw;
	nanosleep(&wait, nullptr);
	deadline_tsc = start + uint64_t(std::atof(argv[3]) * 100 * double(__rdtsc() - start));
	if (argc > 4)
		std::thread(descend, is_function, n).join();
	else
		descend(is_function, n);
	return sink == 42;
}
