// SPDX-License-Identifier: GPL-2.0
/* What --retain has kept, read back over HTTP; in a child process. */
#include "retain_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "output/pprof_merge.h"
#include "retained.h"

#define PROFILE_BYTES_MAX (128u << 20) /* of one, decompressed */
#define CHUNK_BYTES       65536

/* Which of list were asked for; how many. */
static size_t past__select(const struct retained *list, size_t cnt,
	const struct serve_past_request *request, bool *ret_wanted)
{
	size_t found = 0, i;

	for (i = 0; i < cnt; i++) {
		ret_wanted[i] = !strcmp(list[i].profile, request->profile) &&
				list[i].start_ms < request->to_ms &&
				list[i].end_ms > request->from_ms;
		found += ret_wanted[i];
	}
	/* Of one moment it is one profile, the latest of two runs at a time. */
	if (request->to_ms - request->from_ms > 1 || found < 2)
		return found;
	for (i = 0; i < cnt && found > 1; i++) {
		found -= ret_wanted[i];
		ret_wanted[i] = false;
	}
	return found;
}

/* The file as it is. */
static int past__copy(int fd, FILE *out)
{
	char chunk[CHUNK_BYTES];
	ssize_t bytes;

	while ((bytes = read(fd, chunk, sizeof(chunk))) > 0)
		if (fwrite(chunk, 1, (size_t)bytes, out) != (size_t)bytes)
			return -errno;
	return bytes < 0 ? -errno : 0;
}

/* Takes fd. */
static int past__decompress(int fd, char **ret_data, size_t *ret_bytes)
{
	gzFile file = gzdopen(fd, "rb");
	char *data = NULL, *grown;
	size_t bytes = 0, max = 0;
	int n, err = file ? 0 : -ENOMEM;

	if (!file) {
		close(fd);
		return err;
	}
	do {
		if (bytes == max) {
			max = max ? 2 * max : 1 << 20;
			grown = max <= PROFILE_BYTES_MAX ? realloc(data, max) : NULL;
			if (!grown) {
				err = max > PROFILE_BYTES_MAX ? -EFBIG : -ENOMEM;
				break;
			}
			data = grown;
		}
		n = gzread(file, data + bytes, (unsigned int)(max - bytes));
		if (n < 0)
			err = -EIO;
		else
			bytes += (size_t)n;
	} while (n > 0);
	gzclose_r(file);
	if (err) {
		free(data);
		return err;
	}
	*ret_data = data;
	*ret_bytes = bytes;
	return 0;
}

static int past__merge_one(int fd, struct pprof_merge *merge)
{
	char *data;
	size_t bytes;
	int err = past__decompress(fd, &data, &bytes);

	if (err)
		return err;
	err = pprof_merge__add(merge, data, bytes);
	free(data);
	return err;
}

/* Files may go meanwhile: the ring turns. */
static int past__write_files(int dir_fd, const struct retained *list, size_t cnt,
	const bool *wanted, size_t wanted_cnt, uint32_t pid, FILE *out)
{
	struct pprof_merge *merge = wanted_cnt > 1 || pid ? pprof_merge__new(out, pid) : NULL;
	size_t i, written = 0;
	int err = 0, fd;

	if (!merge && (wanted_cnt > 1 || pid))
		return -ENOMEM;
	for (i = 0; i < cnt && !err; i++) {
		if (!wanted[i])
			continue;
		fd = openat(dir_fd, list[i].name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			continue;
		written++;
		if (merge) {
			err = past__merge_one(fd, merge);
		} else {
			err = past__copy(fd, out);
			close(fd);
		}
	}
	if (!err)
		err = !written ? -ENOENT : merge ? pprof_merge__finish(merge) : 0;
	pprof_merge__free(merge);
	return err;
}

static int past__write_list(const struct retained *list, size_t cnt, FILE *out)
{
	char when[32];
	struct tm utc;
	size_t i;

	fputs("{\"profiles\":[", out);
	for (i = 0; i < cnt; i++) {
		time_t start_s = list[i].start_ms / 1000;

		gmtime_r(&start_s, &utc);
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &utc);
		fprintf(out,
			"%s{\"profile\":\"%s\",\"time\":\"%s.%03dZ\",\"seconds\":%.3f,\"bytes\":%" PRIu64
			"}",
			i ? ",\n" : "\n", list[i].profile, when, (int)(list[i].start_ms % 1000),
			(double)(list[i].end_ms - list[i].start_ms) / 1e3, list[i].bytes);
	}
	fputs("]}\n", out);
	return 0;
}

int retain__write_past(
	const struct retain *retain, const struct serve_past_request *request, FILE *out)
{
	int dir_fd = open(retain->options->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct retained *list = NULL;
	bool *wanted = NULL;
	size_t cnt = 0, wanted_cnt;
	int err = dir_fd < 0 ? -EIO : retained__list(retain->options->dir, &list, &cnt);

	if (!err && !request->profile) {
		err = past__write_list(list, cnt, out);
	} else if (!err) {
		wanted = calloc(cnt + 1, sizeof(*wanted));
		wanted_cnt = wanted ? past__select(list, cnt, request, wanted) : 0;
		err = !wanted      ? -ENOMEM
		      : wanted_cnt ? past__write_files(dir_fd, list, cnt, wanted, wanted_cnt,
					     request->pid, out)
				   : -ENOENT;
	}
	if (dir_fd >= 0)
		close(dir_fd);
	free(wanted);
	free(list);
	return err;
}
