/* SPDX-License-Identifier: GPL-2.0 */
/* x86-64's system calls in which threads wait, by number (arch/x86/entry/syscalls/syscall_64.tbl). */
#ifndef BPF_SYSCALLS_X86_H
#define BPF_SYSCALLS_X86_H

#define SYSCALL_FUTEX         202
#define SYSCALL_FUTEX_WAKE    454
#define SYSCALL_FUTEX_REQUEUE 456

__noinline u32 syscall__waits_for(u64 number)
{
	switch (number) {
	case 35:  /* nanosleep */
	case 230: /* clock_nanosleep */
		return OFFCPU_SLEEP;
	case 202: /* futex */
	case 449: /* futex_waitv */
	case 455: /* futex_wait */
		return OFFCPU_FUTEX;
	case 7:   /* poll */
	case 271: /* ppoll */
	case 23:  /* select */
	case 270: /* pselect6 */
		return OFFCPU_POLL;
	case 232: /* epoll_wait */
	case 281: /* epoll_pwait */
	case 441: /* epoll_pwait2 */
		return OFFCPU_EPOLL;
	case 42:  /* connect */
	case 43:  /* accept */
	case 288: /* accept4 */
	case 44:  /* sendto */
	case 45:  /* recvfrom */
	case 46:  /* sendmsg */
	case 47:  /* recvmsg */
	case 307: /* sendmmsg */
	case 299: /* recvmmsg */
		return OFFCPU_SOCKET;
	case 61:  /* wait4 */
	case 247: /* waitid */
		return OFFCPU_CHILD;
	case 34:  /* pause */
	case 128: /* rt_sigtimedwait */
	case 130: /* rt_sigsuspend */
		return OFFCPU_SIGNAL;
	case 65:  /* semop */
	case 220: /* semtimedop */
	case 69:  /* msgsnd */
	case 70:  /* msgrcv */
	case 242: /* mq_timedsend */
	case 243: /* mq_timedreceive */
		return OFFCPU_IPC;
	case 426: /* io_uring_enter */
		return OFFCPU_IO_URING;
	case 24: /* sched_yield */
		return OFFCPU_YIELD;
	case 0:   /* read */
	case 1:   /* write */
	case 19:  /* readv */
	case 20:  /* writev */
	case 17:  /* pread64 */
	case 18:  /* pwrite64 */
	case 295: /* preadv */
	case 296: /* pwritev */
	case 327: /* preadv2 */
	case 328: /* pwritev2 */
	case 275: /* splice */
	case 276: /* tee */
	case 278: /* vmsplice */
		return SYSCALL_OF_FD;
	default:
		return SYSCALL_UNKNOWN;
	}
}

#endif
