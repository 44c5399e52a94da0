// SPDX-License-Identifier: GPL-2.0
/* Files that are there whole or not at all, on full disks too. */
#include "test_output.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "output/file.h"

static char dir[] = "/tmp/test_output_file.XXXXXX";

struct content {
	const char *text;
	size_t cnt; /* times */
	int err;    /* what the writer ends with */
};

static int write_content(FILE *out, void *arg)
{
	const struct content *content = arg;
	size_t i;

	assert_int_equal(fcntl(fileno(out), F_GETFD), FD_CLOEXEC);
	for (i = 0; i < content->cnt; i++) {
		if (fputs(content->text, out) == EOF)
			return -errno;
	}
	return content->err;
}

/* All names in dir, hidden ones too, and what the file has. */
static void assert_dir(const char *path, const char *names, const char *text)
{
	char *found = run("ls -A %s", path);

	assert_string_equal(found, names);
	free(found);
	if (!text)
		return;
	found = run("cat %s/cpu.pb.gz", path);
	assert_string_equal(found, text);
	free(found);
}

static void test_write_and_replace(void **state)
{
	struct content content = {"old\n", 1, 0};
	struct stat status;
	char path[64];

	(void)state;
	umask(022);
	assert_int_equal(output_file__write(dir, "cpu.pb.gz", write_content, &content), 0);
	assert_dir(dir, "cpu.pb.gz\n", "old\n");
	content.text = "new\n";
	umask(077);
	assert_int_equal(output_file__write(dir, "cpu.pb.gz", write_content, &content), 0);
	umask(022);
	assert_dir(dir, "cpu.pb.gz\n", "new\n");
	snprintf(path, sizeof(path), "%s/cpu.pb.gz", dir);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	content.text = "old\n";
	assert_int_equal(output_file__write(dir, "cpu.pb.gz", write_content, &content), 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0644);
}

static void test_writer_fails(void **state)
{
	struct content content = {"half\n", 100000, -EIO};

	(void)state;
	assert_int_equal(output_file__write(dir, "cpu.pb.gz", write_content, &content), -EIO);
	assert_dir(dir, "cpu.pb.gz\n", "old\n");
}

/* A limit on the file's size fails the write as a full disk does. */
static void test_size_limit(void **state)
{
	struct rlimit limit, old;
	struct content content = {"half\n", 100000, 0};
	int err;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = (struct rlimit){.rlim_cur = 20000, .rlim_max = old.rlim_max};
	setrlimit(RLIMIT_FSIZE, &limit);
	err = output_file__write(dir, "cpu.pb.gz", write_content, &content);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(err, -EFBIG);
	assert_dir(dir, "cpu.pb.gz\n", "old\n");
}

static void test_wrong_places(void **state)
{
	struct content content = {"x\n", 1, 0};
	char name[300];

	(void)state;
	assert_int_equal(output_file__write("/nonexistent", "a", write_content, &content), -ENOENT);
	assert_int_equal(output_file__write("/dev/null", "a", write_content, &content), -ENOTDIR);
	memset(name, 'n', 299);
	name[299] = '\0';
	assert_int_equal(output_file__write(dir, name, write_content, &content), -ENAMETOOLONG);
	free(run("mkdir -p %s/sub/cpu.pb.gz && touch %s/sub/cpu.pb.gz/x", dir, dir));
	snprintf(name, sizeof(name), "%s/sub", dir);
	assert_int_equal(output_file__write(name, "cpu.pb.gz", write_content, &content), -EISDIR);
	assert_dir(name, "cpu.pb.gz\n", NULL);
	free(run("rm -r %s/sub", dir));
}

/* Root may write anywhere, so as somebody else. */
static void test_not_permitted(void **state)
{
	struct content content = {"x\n", 1, 0};
	int err;

	(void)state;
	if (!geteuid())
		assert_int_equal(seteuid(65534), 0);
	err = output_file__write("/", "cpu.pb.gz", write_content, &content);
	if (!getuid())
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(err, -EACCES);
}

static int write_killed(FILE *out, void *arg)
{
	fputs("half", out);
	fflush(out);
	raise(*(int *)arg);
	return 0;
}

/* Killed half-way: the old file stays, and what is left can be told by its name. */
static void test_killed(void **state)
{
	int signal_number = SIGKILL;
	pid_t child = fork();
	int status;
	char *found;

	(void)state;
	if (!child)
		_exit(output_file__write(dir, "cpu.pb.gz", write_killed, &signal_number) != 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	found = run("cat %s/cpu.pb.gz; cd %s; ls .cpu.pb.gz.?????? | wc -l", dir, dir);
	assert_string_equal(found, "old\n1\n");
	free(found);
	free(run("rm %s/.cpu.pb.gz.*", dir));
}

static void write_proc(const char *path, const char *format, unsigned int id)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fprintf(file, format, id);
	assert_int_equal(fclose(file), 0);
}

/* Mounts that nobody else sees and that end with this process, with or without root. */
static void enter_mount_namespace(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	assert_int_equal(unshare(uid ? CLONE_NEWUSER | CLONE_NEWNS : CLONE_NEWNS), 0);
	if (uid) {
		write_proc("/proc/self/setgroups", "deny", 0);
		write_proc("/proc/self/uid_map", "0 %u 1", uid);
		write_proc("/proc/self/gid_map", "0 %u 1", gid);
	}
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
}

static void test_full_disk(void **state)
{
	struct fixture *small = fixture__new(&profile_kind_cpu);
	struct fixture *large = fixture__new(&profile_kind_cpu);
	char *before, *after;
	size_t i;

	(void)state;
	enter_mount_namespace();
	assert_int_equal(mount("tmpfs", small->dir, "tmpfs", 0, "size=64k"), 0);
	fixture__fill(small, 10, 1, 10, 3);
	fixture__fill(large, 1000, 1, 2000, 60);
	fixture__save(small, "pprof");
	fixture__save(small, "folded");
	before = run("cd %s; ls -A; cksum cpu.*", small->dir);
	free(run("head -c 45000 /dev/zero > %s/ballast", small->dir));
	for (i = 0; i < output_format_cnt; i++)
		assert_int_equal(
			output_format__save(&output_formats[i], &large->source, small->dir),
			-ENOSPC);
	free(run("rm %s/ballast", small->dir));
	after = run("cd %s; ls -A; cksum cpu.*", small->dir);
	assert_string_equal(before, after);
	free(before);
	free(after);
	assert_int_equal(umount(small->dir), 0);
	fixture__free(small);
	fixture__free(large);
}

static void test_formats(void **state)
{
	(void)state;
	assert_string_equal(output_format__find("pprof")->suffix, ".pb.gz");
	assert_string_equal(output_format__find("folded")->suffix, ".folded");
	assert_null(output_format__find("svg"));
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	free(run("rm -rf %s", dir));
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write_and_replace), cmocka_unit_test(test_writer_fails),
		cmocka_unit_test(test_size_limit), cmocka_unit_test(test_wrong_places),
		cmocka_unit_test(test_not_permitted), cmocka_unit_test(test_killed),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_full_disk), /* changes the process's mounts */
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
