// SPDX-License-Identifier: GPL-2.0
/* Bounded readers of /proc/PID/maps and /proc/PID/stat. */
#include "process/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DELETED_SUFFIX " (deleted)"

/* Reads a number and the character after it. */
static bool number__read(char **text, int base, char after, uint64_t *ret)
{
	char *end;

	if (!isxdigit((unsigned char)**text))
		return false;
	errno = 0;
	*ret = strtoull(*text, &end, base);
	if (errno || end == *text || *end != after)
		return false;
	*text = end + 1;
	return true;
}

/* The kernel writes a newline in a path as \012, and nothing else: fs/proc/task_mmu.c, seq_path(m, path, "\n"). */
static void path__unescape(char *path)
{
	char *out = path;

	for (; *path; path++) {
		if (!strncmp(path, "\\012", 4)) {
			*out++ = '\n';
			path += 3;
		} else {
			*out++ = *path;
		}
	}
	*out = '\0';
}

int proc_mapping__parse(char *line, struct proc_mapping *ret)
{
	struct proc_mapping mapping = {0};
	uint64_t dev_major, dev_minor;
	char *text = line, *path;
	size_t path_len;

	text[strcspn(text, "\n")] = '\0';
	if (!number__read(&text, 16, '-', &mapping.start) ||
		!number__read(&text, 16, ' ', &mapping.end))
		return -EINVAL;
	if (strnlen(text, 5) < 5 || text[4] != ' ')
		return -EINVAL;
	mapping.is_exec = text[2] == 'x';
	text += 5;
	if (!number__read(&text, 16, ' ', &mapping.offset) ||
		!number__read(&text, 16, ':', &dev_major) ||
		!number__read(&text, 16, ' ', &dev_minor))
		return -EINVAL;
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	mapping.ino = strtoull(text, &path, 10);
	if (mapping.start >= mapping.end)
		return -EINVAL;
	mapping.dev = makedev(dev_major, dev_minor);
	path += strspn(path, " ");
	path_len = strlen(path);
	if (path_len > strlen(DELETED_SUFFIX) &&
		!strcmp(path + path_len - strlen(DELETED_SUFFIX), DELETED_SUFFIX)) {
		path[path_len - strlen(DELETED_SUFFIX)] = '\0';
		mapping.deleted = true;
	}
	path__unescape(path);
	mapping.path = path;
	*ret = mapping;
	return 0;
}

int proc_stat__parse(const char *text, struct proc_stat *ret)
{
	/* proc(5) counts from 1: state is field 3, num_threads 20, starttime 22, endcode 27, startstack 28 */
	enum { STATE = 3, THREADS = 20, START = 22, END_CODE = 27, START_STACK = 28 };
	const char *field = strrchr(text, ')');
	struct proc_stat stat = {0};
	int number;

	if (!field || field[1] != ' ' || !field[2])
		return -EINVAL;
	field += 2;
	for (number = STATE; number <= START_STACK; number++) {
		if (number == STATE)
			stat.state = *field;
		else if (number == THREADS)
			stat.thread_cnt = (uint32_t)strtoul(field, NULL, 10);
		else if (number == START)
			stat.start_ticks = strtoull(field, NULL, 10);
		else if (number == END_CODE)
			stat.end_code = strtoull(field, NULL, 10);
		else if (number == START_STACK)
			stat.start_stack = strtoull(field, NULL, 10);
		field = strchr(field, ' ');
		if (!field)
			return -EINVAL;
		field++;
	}
	*ret = stat;
	return 0;
}

static int stat__read_file(const char *path, struct proc_stat *ret)
{
	char text[2048];
	ssize_t bytes;
	int fd, err;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	bytes = read(fd, text, sizeof(text) - 1);
	err = bytes < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;
	text[bytes] = '\0';
	return proc_stat__parse(text, ret);
}

/* Calls fn with the path of name in each other thread's folder until it returns true. */
static bool tasks__any(
	pid_t pid, const char *name, bool (*fn)(const char *path, void *arg), void *arg)
{
	struct dirent *entry;
	bool found = false;
	char path[80];
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	if (!tasks)
		return false;
	while (!found && (entry = readdir(tasks))) {
		long tid = strtol(entry->d_name, NULL, 10);

		if (tid <= 0 || tid == pid)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%ld/%s", pid, tid, name);
		found = fn(path, arg);
	}
	closedir(tasks);
	return found;
}

static bool stat__take_image(const char *path, void *arg)
{
	struct proc_stat *stat = arg, other;

	if (stat__read_file(path, &other) || !other.start_stack)
		return false;
	stat->start_stack = other.start_stack;
	stat->end_code = other.end_code;
	return true;
}

int proc_stat__read(pid_t pid, struct proc_stat *ret)
{
	struct proc_stat stat;
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	err = stat__read_file(path, &stat);
	if (err)
		return err;
	if (!stat.start_stack && stat.thread_cnt > 1)
		tasks__any(pid, "stat", stat__take_image, &stat);
	*ret = stat;
	return 0;
}

struct proc_maps {
	FILE *file; /* NULL: there are none to read */
	char *line;
	size_t line_bytes;
	uint32_t line_cnt, exec_cnt;
};

/* False when it has not a single line. */
static bool maps__open_file(const char *path, void *arg)
{
	struct proc_maps *maps = arg;
	FILE *file = fopen(path, "re");
	int first = file ? fgetc(file) : EOF;

	if (first == EOF) {
		if (file)
			fclose(file);
		return false;
	}
	ungetc(first, file);
	maps->file = file;
	return true;
}

int proc_maps__open(pid_t pid, struct proc_maps **ret)
{
	struct proc_maps *maps;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	if (access(path, F_OK))
		return -ENOENT;
	maps = calloc(1, sizeof(*maps));
	if (!maps)
		return -ENOMEM;
	if (!maps__open_file(path, maps))
		tasks__any(pid, "maps", maps__open_file, maps);
	*ret = maps;
	return 0;
}

void proc_maps__close(struct proc_maps *maps)
{
	if (!maps)
		return;
	if (maps->file)
		fclose(maps->file);
	free(maps->line);
	free(maps);
}

int proc_maps__read(struct proc_maps *maps, uint32_t line_max,
	int (*fn)(const struct proc_mapping *, void *), void *arg)
{
	struct proc_mapping mapping;
	uint32_t i;
	int err;

	for (i = 0; i < line_max; i++) {
		if (!maps->file || getline(&maps->line, &maps->line_bytes, maps->file) <= 0)
			return 0;
		if (++maps->line_cnt > 4 * PROC_MAPS_MAX || maps->exec_cnt >= PROC_MAPS_MAX)
			return -E2BIG;
		if (proc_mapping__parse(maps->line, &mapping) || !mapping.is_exec)
			continue;
		maps->exec_cnt++;
		err = fn(&mapping, arg);
		if (err)
			return err;
	}
	return 1;
}

int proc_maps__each_exec(pid_t pid, int (*fn)(const struct proc_mapping *, void *), void *arg)
{
	struct proc_maps *maps;
	int err = proc_maps__open(pid, &maps), cnt;

	if (err)
		return err;
	err = proc_maps__read(maps, UINT32_MAX, fn, arg);
	cnt = (int)maps->exec_cnt;
	proc_maps__close(maps);
	return err < 0 ? err : cnt;
}
