// SPDX-License-Identifier: GPL-2.0
/* Reads through io_uring that a worker of the kernel does: uring READS. Waits for a line on stdin, then makes its ring, prints
 * `done` when all reads are, and waits for the end. Prints `none` on a kernel that does not allow it. */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRIES 8

static struct {
	int fd;
	unsigned char *queues; /* both rings, as since 5.4 */
	struct io_uring_params params;
	struct io_uring_sqe *entries;
} ring;

static int ring_open(void)
{
	size_t bytes;

	ring.fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &ring.params);
	if (ring.fd < 0)
		return -1;
	bytes = ring.params.sq_off.array + ring.params.sq_entries * sizeof(unsigned int);
	if (bytes < ring.params.cq_off.cqes + ring.params.cq_entries * sizeof(struct io_uring_cqe))
		bytes = ring.params.cq_off.cqes +
			ring.params.cq_entries * sizeof(struct io_uring_cqe);
	ring.queues = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd,
		IORING_OFF_SQ_RING);
	ring.entries = mmap(NULL, ENTRIES * sizeof(*ring.entries), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQES);
	return ring.queues == MAP_FAILED || ring.entries == MAP_FAILED ? -1 : 0;
}

static _Atomic unsigned int *word(unsigned int offset)
{
	return (_Atomic unsigned int *)(void *)(ring.queues + offset);
}

/* IOSQE_ASYNC: at once by a worker, not first by the caller. */
static void ring_read(int fd, void *buf, unsigned int bytes)
{
	unsigned int mask = *word(ring.params.sq_off.ring_mask),
		     tail = *word(ring.params.sq_off.tail), index = tail & mask;
	struct io_uring_sqe *entry = &ring.entries[index];

	memset(entry, 0, sizeof(*entry));
	entry->opcode = IORING_OP_READ;
	entry->flags = IOSQE_ASYNC;
	entry->fd = fd;
	entry->addr = (unsigned long)buf;
	entry->len = bytes;
	*word(ring.params.sq_off.array + index * (unsigned int)sizeof(unsigned int)) = index;
	atomic_store(word(ring.params.sq_off.tail), tail + 1);
	if (syscall(SYS_io_uring_enter, ring.fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		exit(1);
	/* its result is not looked at */
	atomic_store(word(ring.params.cq_off.head), *word(ring.params.cq_off.tail));
}

int main(int argc, char **argv)
{
	int cnt = argc > 1 ? atoi(argv[1]) : 1, fd = open("/proc/self/exe", O_RDONLY), i;
	char buf[512];

	if (fd < 0 || !fgets(buf, sizeof(buf), stdin))
		return 1;
	if (ring_open()) {
		puts("none");
		return 0;
	}
	for (i = 0; i < cnt; i++)
		ring_read(fd, buf, sizeof(buf));
	puts("done");
	fflush(stdout);
	pause();
	return 0;
}
