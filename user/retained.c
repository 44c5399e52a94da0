// SPDX-License-Identifier: GPL-2.0
/* The folder of profiles that are kept. */
#include "retained.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SUFFIX "ms.pb.gz"

void retained__name(
	const char *profile, int64_t start_ms, int64_t duration_ms, char ret[RETAINED_NAME_MAX])
{
	time_t start_s = start_ms / 1000;
	char when[32];
	struct tm utc;

	gmtime_r(&start_s, &utc);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%S", &utc);
	snprintf(ret, RETAINED_NAME_MAX, "%.15s-%s.%03dZ-%" PRId64 SUFFIX, profile, when,
		(int)(start_ms % 1000), duration_ms);
}

int retained__parse(const char *name, struct retained *ret)
{
	struct retained found = {0};
	struct tm utc = {0};
	int64_t duration_ms;
	int ms, end = 0;

	if (strlen(name) >= sizeof(found.name) ||
		sscanf(name, "%15[a-z]-%4d%2d%2dT%2d%2d%2d.%3dZ-%10" SCNd64 SUFFIX "%n",
			found.profile, &utc.tm_year, &utc.tm_mon, &utc.tm_mday, &utc.tm_hour,
			&utc.tm_min, &utc.tm_sec, &ms, &duration_ms, &end) != 9 ||
		!end || name[end] || duration_ms < 0)
		return -EINVAL;
	utc.tm_year -= 1900;
	utc.tm_mon -= 1;
	found.start_ms = (int64_t)timegm(&utc) * 1000 + ms;
	found.end_ms = found.start_ms + duration_ms;
	strcpy(found.name, name);
	/* What sscanf lets pass beside: signs, fewer digits. */
	retained__name(found.profile, found.start_ms, duration_ms, found.name);
	if (strcmp(found.name, name) != 0)
		return -EINVAL;
	*ret = found;
	return 0;
}

static int retained__by_start(const void *a, const void *b)
{
	const struct retained *first = a, *second = b;

	if (first->start_ms != second->start_ms)
		return first->start_ms < second->start_ms ? -1 : 1;
	return strcmp(first->name, second->name);
}

int retained__list(const char *dir, struct retained **ret, size_t *ret_cnt)
{
	struct retained *list = NULL, *grown, one;
	size_t cnt = 0, max = 0;
	DIR *stream = opendir(dir);
	struct dirent *entry;
	struct stat st;
	int err = 0;

	if (!stream)
		return -errno;
	while (cnt < RETAINED_FILES_MAX && (entry = readdir(stream))) {
		if (retained__parse(entry->d_name, &one) ||
			fstatat(dirfd(stream), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
			!S_ISREG(st.st_mode))
			continue;
		one.bytes = (uint64_t)st.st_size;
		if (cnt == max) {
			max = max ? 2 * max : 256;
			grown = realloc(list, max * sizeof(*list));
			if (!grown) {
				err = -ENOMEM;
				break;
			}
			list = grown;
		}
		list[cnt++] = one;
	}
	closedir(stream);
	if (err) {
		free(list);
		return err;
	}
	if (cnt)
		qsort(list, cnt, sizeof(*list), retained__by_start);
	*ret = list;
	*ret_cnt = cnt;
	return 0;
}

int retained__prune(const char *dir, uint64_t bytes_max, int64_t oldest_ms)
{
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;
	struct retained *list = NULL;
	uint64_t bytes = 0;
	size_t cnt = 0, i;

	if (dir_fd < 0)
		return -errno;
	err = retained__list(dir, &list, &cnt);
	for (i = 0; i < cnt; i++)
		bytes += list[i].bytes;
	for (i = 0; i < cnt && (bytes > bytes_max || list[i].end_ms < oldest_ms); i++) {
		if (!unlinkat(dir_fd, list[i].name, 0) || errno == ENOENT)
			bytes -= list[i].bytes;
		else if (!err)
			err = -errno;
	}
	free(list);
	close(dir_fd);
	return err;
}

/* ".NAME.XXXXXX", as output_file__write() makes them. */
static bool name__is_temporary(const char *name)
{
	char copy[RETAINED_NAME_MAX];
	const char *end = strrchr(name, '.');
	struct retained one;

	if (*name != '.' || !end || end == name || strlen(end) != 7 ||
		(size_t)(end - name) >= sizeof(copy))
		return false;
	memcpy(copy, name + 1, (size_t)(end - name) - 1);
	copy[end - name - 1] = '\0';
	return !retained__parse(copy, &one);
}

void retained__clean(const char *dir)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;

	if (!stream)
		return;
	while ((entry = readdir(stream)))
		if (name__is_temporary(entry->d_name))
			unlinkat(dirfd(stream), entry->d_name, 0);
	closedir(stream);
}
