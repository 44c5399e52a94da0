// SPDX-License-Identifier: GPL-2.0
/* .gnu_debugdata, .gnu_debuglink and the build id of any file: what leads to names that stand elsewhere. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symbol/debug_file.h"
#include "symbol/elf_view.h"

#define UNPACKED_BYTES_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What it leads to lies in a folder without such files, and what is opened all the same must be a plain file. */
static void fuzz_paths(const struct elf_view *view)
{
	static const char *const paths[] = {NULL, "/proc/self/fd/3", "/etc/passwd", "relative"};
	struct stat st;
	size_t i;
	int fd;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		fd = debug_file__open(view, paths[i], "/nonexistent");
		if (fd < 0)
			continue;
		if (fstat(fd, &st) || !S_ISREG(st.st_mode))
			abort();
		close(fd);
	}
	if (debug_file__open_path(view, "/dev/zero") >= 0)
		abort();
}

static void fuzz_packed(const struct elf_view *view)
{
	struct elf_view inner;
	size_t bytes = 0;
	void *unpacked;

	if (debug_data__unpack(view, UNPACKED_BYTES_MAX, &unpacked, &bytes))
		return;
	if (bytes > UNPACKED_BYTES_MAX)
		abort();
	if (!elf_view__open_image(&inner, unpacked, bytes))
		elf_view__close(&inner);
	free(unpacked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct elf_view view;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	if (!elf_view__open(&view, fd)) {
		fuzz_paths(&view);
		fuzz_packed(&view);
		elf_view__close(&view);
	}
	close(fd);
	return 0;
}
