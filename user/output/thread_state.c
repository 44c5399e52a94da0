// SPDX-License-Identifier: GPL-2.0
/* Words for what a thread does. */
#include "output/thread_state.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "thread.h"

/* Newer than Debian 12's headers; one number on all architectures. */
#ifndef __NR_futex_wait
#define __NR_futex_wait 455
#endif

/* What a thread waits for in each system call that is known to wait. An architecture has not all of them. */
static const char *syscall__word(int32_t number)
{
	switch (number) {
	case __NR_futex:
	case __NR_futex_waitv:
	case __NR_futex_wait:
		return "futex";
#ifdef __NR_poll
	case __NR_poll:
#endif
#ifdef __NR_select
	case __NR_select:
#endif
	case __NR_ppoll:
	case __NR_pselect6:
		return "poll";
#ifdef __NR_epoll_wait
	case __NR_epoll_wait:
#endif
	case __NR_epoll_pwait:
	case __NR_epoll_pwait2:
		return "epoll";
	case __NR_nanosleep:
	case __NR_clock_nanosleep:
		return "sleep";
	case __NR_read:
	case __NR_pread64:
	case __NR_readv:
	case __NR_preadv:
	case __NR_preadv2:
		return "read";
	case __NR_write:
	case __NR_pwrite64:
	case __NR_writev:
	case __NR_pwritev:
	case __NR_pwritev2:
	case __NR_sendfile:
	case __NR_splice:
		return "write";
	case __NR_accept:
	case __NR_accept4:
	case __NR_connect:
	case __NR_recvfrom:
	case __NR_recvmsg:
	case __NR_recvmmsg:
	case __NR_sendto:
	case __NR_sendmsg:
	case __NR_sendmmsg:
		return "socket";
	case __NR_wait4:
	case __NR_waitid:
		return "wait";
#ifdef __NR_pause
	case __NR_pause:
#endif
	case __NR_rt_sigsuspend:
	case __NR_rt_sigtimedwait:
		return "signal";
	case __NR_io_getevents:
	case __NR_io_pgetevents:
	case __NR_io_uring_enter:
		return "io";
	case __NR_flock:
	case __NR_fcntl:
		return "file lock";
	case __NR_msgrcv:
	case __NR_msgsnd:
	case __NR_semop:
	case __NR_semtimedop:
	case __NR_mq_timedreceive:
	case __NR_mq_timedsend:
		return "ipc";
	case __NR_ioctl:
		return "ioctl";
	case __NR_restart_syscall:
		return "restarted";
	default:
		return NULL;
	}
}

static const char *const states[THREAD_STATE_CNT] = {
	[THREAD_RUNNING] = "running",
	[THREAD_RUNNABLE] = "runnable",
	[THREAD_SLEEPING] = "sleep",
	[THREAD_DISK] = "disk",
	[THREAD_STOPPED] = "stopped",
	[THREAD_TRACED] = "traced",
	[THREAD_IDLE] = "idle",
	[THREAD_DEAD] = "exited",
};

/* vfork(2) may be a flag of clone(2). */
static bool syscall__is_vfork(int32_t number)
{
#ifdef __NR_vfork
	if (number == __NR_vfork)
		return true;
#endif
	return number == __NR_clone || number == __NR_clone3;
}

/* The word of the system call that a thread waits in; NULL: it does not, or the call has none. */
static const char *waiting__word(uint32_t word)
{
	switch (THREAD_STATE_WORD__STATE(word)) {
	case THREAD_SLEEPING:
		return syscall__word(THREAD_STATE_WORD__SYSCALL(word));
	case THREAD_DISK:
		/* The one that waits for its child is counted among those that wait for a disk. */
		return syscall__is_vfork(THREAD_STATE_WORD__SYSCALL(word)) ? "vfork" : NULL;
	default:
		return NULL;
	}
}

const char *thread_state__label(uint32_t word)
{
	uint32_t state = THREAD_STATE_WORD__STATE(word);
	const char *waiting = waiting__word(word);

	if (waiting)
		return waiting;
	if (state == THREAD_SLEEPING && THREAD_STATE_WORD__SYSCALL(word) != THREAD_NO_SYSCALL)
		return "syscall";
	return state < THREAD_STATE_CNT ? states[state] : NULL;
}

const char *thread_state__text(uint32_t word, char buf[THREAD_STATE_BYTES])
{
	const char *label = thread_state__label(word);

	if (THREAD_STATE_WORD__STATE(word) != THREAD_SLEEPING ||
		THREAD_STATE_WORD__SYSCALL(word) == THREAD_NO_SYSCALL || waiting__word(word))
		return label ? label : "unknown";
	snprintf(buf, THREAD_STATE_BYTES, "syscall %d", THREAD_STATE_WORD__SYSCALL(word));
	return buf;
}

static void print_count(uint64_t count, const char *unit, char ret[THREAD_STATE_BYTES])
{
	snprintf(ret, THREAD_STATE_BYTES, "%llu %s%s", (unsigned long long)count, unit,
		count == 1 ? "" : "s");
}

void thread_state__duration(uint64_t ns, char ret[THREAD_STATE_BYTES])
{
	uint64_t ms = ns / 1000000, minutes = ms / 60000;

	if (ms < 1000)
		snprintf(ret, THREAD_STATE_BYTES, "%llu ms", (unsigned long long)ms);
	else if (!minutes)
		snprintf(ret, THREAD_STATE_BYTES, "%llu.%llu s", (unsigned long long)ms / 1000,
			(unsigned long long)ms / 100 % 10);
	else if (minutes < 120)
		print_count(minutes, "minute", ret);
	else if (minutes < 48 * 60)
		print_count(minutes / 60, "hour", ret);
	else
		print_count(minutes / (24 * 60), "day", ret);
}
