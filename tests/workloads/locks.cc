// SPDX-License-Identifier: GPL-2.0
/* Locks of the C++ library that are held for a known time, by functions with names: locks SECONDS. Prints nanoseconds. */
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

#define NOINLINE __attribute__((noinline, noclone))

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

static std::mutex mutex;
static std::atomic<bool> done;
static std::atomic<unsigned long long> waited_ns;

static void spend(steady::duration time)
{
	auto end = steady::now() + time;

	while (steady::now() < end)
		std::this_thread::sleep_for(500us);
}

extern "C" NOINLINE void hold_long()
{
	mutex.lock();
	spend(9ms);
	mutex.unlock();
	asm volatile("");
}

extern "C" NOINLINE void hold_short()
{
	mutex.lock();
	spend(3ms);
	mutex.unlock();
	asm volatile("");
}

extern "C" NOINLINE void want_it()
{
	auto before = steady::now();

	mutex.lock();
	waited_ns += std::chrono::nanoseconds(steady::now() - before).count();
	mutex.unlock();
	asm volatile("");
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 2;
	std::vector<std::thread> threads;

	threads.emplace_back([] {
		while (!done) {
			hold_long();
			std::this_thread::sleep_for(5ms);
			hold_short();
			std::this_thread::sleep_for(5ms);
		}
	});
	for (int i = 0; i < 3; i++)
		threads.emplace_back([] {
			while (!done) {
				want_it();
				std::this_thread::sleep_for(1ms);
			}
		});
	std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
	done = true;
	for (auto &thread : threads)
		thread.join();
	printf("%llu\n", waited_ns.load());
	return 0;
}
