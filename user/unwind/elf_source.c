// SPDX-License-Identifier: GPL-2.0
/* The bytes of an ELF image: a file that is read with pread, or a mapped one such as the vDSO. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unwind/elf_source.h"

int elf_source__from_fd(int fd, struct elf_source *ret_source)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*ret_source = (struct elf_source){.fd = fd, .bytes = st.st_size};
	return 0;
}

int elf_source__read(const struct elf_source *source, uint64_t offset, void *buf, size_t len)
{
	size_t done = 0;
	ssize_t n;

	if (offset > source->bytes || len > source->bytes - offset)
		return -ENODATA;
	if (source->memory) {
		memcpy(buf, source->memory + offset, len);
		return 0;
	}
	while (done < len) {
		n = pread(source->fd, (char *)buf + done, len - done, offset + done);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (!n)
			return -ENODATA;
		if (n > 0)
			done += n;
	}
	return 0;
}
