/* SPDX-License-Identifier: GPL-2.0 */
/* arm64's system calls in which threads wait, by number (include/uapi/asm-generic/unistd.h). */
#ifndef BPF_SYSCALLS_ARM64_H
#define BPF_SYSCALLS_ARM64_H

#define SYSCALL_FUTEX         98
#define SYSCALL_FUTEX_WAKE    454
#define SYSCALL_FUTEX_REQUEUE 456

__noinline u32 syscall__waits_for(u64 number)
{
	switch (number) {
	case 101: /* nanosleep */
	case 115: /* clock_nanosleep */
		return OFFCPU_SLEEP;
	case 98:  /* futex */
	case 449: /* futex_waitv */
	case 455: /* futex_wait */
		return OFFCPU_FUTEX;
	case 73: /* ppoll */
	case 72: /* pselect6 */
		return OFFCPU_POLL;
	case 22:  /* epoll_pwait */
	case 441: /* epoll_pwait2 */
		return OFFCPU_EPOLL;
	case 203: /* connect */
	case 202: /* accept */
	case 242: /* accept4 */
	case 206: /* sendto */
	case 207: /* recvfrom */
	case 211: /* sendmsg */
	case 212: /* recvmsg */
	case 269: /* sendmmsg */
	case 243: /* recvmmsg */
		return OFFCPU_SOCKET;
	case 260: /* wait4 */
	case 95:  /* waitid */
		return OFFCPU_CHILD;
	case 137: /* rt_sigtimedwait */
	case 133: /* rt_sigsuspend */
		return OFFCPU_SIGNAL;
	case 193: /* semop */
	case 192: /* semtimedop */
	case 189: /* msgsnd */
	case 188: /* msgrcv */
	case 182: /* mq_timedsend */
	case 183: /* mq_timedreceive */
		return OFFCPU_IPC;
	case 426: /* io_uring_enter */
		return OFFCPU_IO_URING;
	case 124: /* sched_yield */
		return OFFCPU_YIELD;
	case 63:  /* read */
	case 64:  /* write */
	case 65:  /* readv */
	case 66:  /* writev */
	case 67:  /* pread64 */
	case 68:  /* pwrite64 */
	case 69:  /* preadv */
	case 70:  /* pwritev */
	case 286: /* preadv2 */
	case 287: /* pwritev2 */
	case 76:  /* splice */
	case 77:  /* tee */
	case 75:  /* vmsplice */
		return SYSCALL_OF_FD;
	default:
		return SYSCALL_UNKNOWN;
	}
}

#endif
