// SPDX-License-Identifier: GPL-2.0
/* The files and tables at the end of a capture. */
#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "comments.h"
#include "log.h"
#include "output/format.h"
#include "output/top.h"
#include "process/cgroup.h"
#include "symbol/debuginfod.h"
#include "symbol/symbols.h"

int report__check_dir(const char *dir, struct folder *ret)
{
	char escaped[256];
	int err = folder__make(dir, 0755, ret);

	if (err == -ENOTDIR) {
		log__error("--output: \"%s\" is not a directory; give one that can be written to",
			log__escape(escaped, sizeof(escaped), dir));
		return -1;
	}
	if (err) {
		log__error(
			"--output: cannot make directory \"%s\": %s; give a directory that can be written to",
			log__escape(escaped, sizeof(escaped), dir), strerror(-err));
		return -1;
	}
	if (access(dir, W_OK | X_OK)) {
		log__error("--output: cannot write to directory \"%s\": %s; give another with -o",
			log__escape(escaped, sizeof(escaped), dir), strerror(errno));
		return -1;
	}
	return 0;
}

static int report__files(const struct options *options, const struct output_source *source)
{
	char escaped[256];
	int failed = 0, err;
	size_t i;

	for (i = 0; i < output_format_cnt; i++) {
		const struct output_format *format = &output_formats[i];

		if (!(options->formats & 1u << i))
			continue;
		log__escape(escaped, sizeof(escaped), options->output_dir);
		err = output_format__save(format, source, options->output_dir);
		if (err) {
			log__error(
				"%s/%s%s: not written: %s; the file that was there before is unchanged",
				escaped, source->profile->kind->name, format->suffix,
				strerror(-err));
			failed++;
			continue;
		}
		log__info("wrote %s/%s%s", escaped, source->profile->kind->name, format->suffix);
	}
	return failed;
}

static const char *cgroup__path_of(uint64_t cgroup, void *arg)
{
	return cgroups__path(arg, cgroup);
}

static void source__log_gaps(const struct output_source *source)
{
	const struct profile *profile = source->profile;

	if (source->symbols->kernel_reason)
		log__warn("kernel functions have no names: %s", source->symbols->kernel_reason);
	if (!profile__sample_cnt(profile))
		log__info("%s: no samples: nothing that was asked for was met in these %.1f s",
			profile->kind->name, (double)profile->duration_ns / 1e9);
}

/* One profile's files and its table. How many failed. */
static int report__write_profile(const struct options *options, const struct capture *capture,
	const struct symbols_options *symbols_options, const struct profile *profile,
	struct cgroups *cgroups)
{
	struct comments *comments = calloc(1, sizeof(*comments));
	struct output_source source = {
		.profile = profile, .cgroup_path = cgroup__path_of, .cgroup_arg = cgroups};
	struct symbols *symbols = NULL;
	unsigned int unread_cnt = 0;
	int err, failed = 0;

	err = comments ? symbols__resolve(profile, capture__files(capture), symbols_options,
				 &symbols, &unread_cnt)
		       : -ENOMEM;
	if (err) {
		log__error("cannot name the functions of the %s profile: %s; it is not written",
			profile->kind->name, strerror(-err));
		free(comments);
		return 1;
	}
	comments__fill(comments, capture, profile->kind->name, 0);
	if (unread_cnt)
		comments__add(
			comments, "files_unread %u (their functions have no names)", unread_cnt);
	source.symbols = symbols;
	source.comments = comments->pointers;
	source.comment_cnt = comments->cnt;
	source__log_gaps(&source);
	if (options->output_dir)
		failed += report__files(options, &source);
	if (options->top_cnt) {
		err = top__write(&source, options->top_cnt, stdout);
		if (err) {
			log__error("cannot print the top table: %s", strerror(-err));
			failed++;
		}
	}
	symbols__free(symbols);
	free(comments);
	return failed;
}

int report__write(const struct options *options, const struct capture *capture,
	const struct symbols_options *symbols_options)
{
	const struct debuginfod *debuginfod = symbols_options->debuginfod;
	struct cgroups *cgroups = cgroups__new();
	const struct profile *profile;
	int failed = 0;
	size_t i;

	for (i = 0; (profile = capture__profile_at(capture, i)); i++)
		failed += report__write_profile(
			options, capture, symbols_options, profile, cgroups);
	if (debuginfod && debuginfod__reason(debuginfod))
		log__warn("--debuginfod: debug files are missing: %s",
			debuginfod__reason(debuginfod));
	cgroups__free(cgroups);
	return failed;
}
