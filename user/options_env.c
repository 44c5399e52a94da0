/* BPFPROF in the environment: the trace lines in GODEBUG's words. */
#include "options_env.h"

#include <errno.h>
#include <string.h>

#define MS_NS         1000000ULL
#define PERIOD_MIN_MS 10 /* as --interval */
#define PERIOD_MAX_MS (24 * 3600 * 1000)
#define QUOTED_MAX    64

static int refuse(const char *key, struct span value, const char *what, char *error)
{
	char quoted[QUOTED_MAX];

	snprintf(error, OPTIONS_MESSAGE_MAX, "BPFPROF: %s: \"%s\" is not %s", key,
		log__escape_n(quoted, sizeof(quoted), value.at, value.len), what);
	return -EINVAL;
}

static int parse_period(
	const char *key, struct span value, bool *lines, uint64_t *period_ns, char *error)
{
	uint64_t ms;

	if (parse__number(value, 0, PERIOD_MAX_MS, &ms) || (ms && ms < PERIOD_MIN_MS))
		return refuse(key, value,
			"a period in milliseconds; give 10 to 86400000, or 0 for off", error);
	*lines = ms != 0;
	if (ms)
		*period_ns = ms * MS_NS;
	return 0;
}

/* Adds `"KEY" (REASON)` to the one warning; what does not fit is cut. */
static void warn(struct options *options, struct span key, const char *reason)
{
	size_t len = strlen(options->warning);
	char quoted[QUOTED_MAX];

	snprintf(options->warning + len, sizeof(options->warning) - len, "%s \"%s\" (%s)",
		len ? "," : "BPFPROF: ignored",
		log__escape_n(quoted, sizeof(quoted), key.at, key.len), reason);
}

static int apply(
	struct options *options, struct span key, struct span value, bool *heap_asked, char *error)
{
	uint64_t detail;
	int err;

	if (span__equals(key, "schedtrace"))
		return parse_period("schedtrace", value, &options->sched_lines,
			&options->sched_period_ns, error);
	if (span__equals(key, "heaptrace")) {
		err = parse_period(
			"heaptrace", value, &options->heap_lines, &options->heap_period_ns, error);
		*heap_asked = options->heap_lines;
		return err;
	}
	if (span__equals(key, "scheddetail")) {
		if (parse__number(value, 0, 1, &detail))
			return refuse("scheddetail", value, "0 or 1", error);
		options->sched_detail = detail;
		return 0;
	}
	warn(options, key, "unknown; known are schedtrace, heaptrace and scheddetail");
	return 0;
}

int options_env__apply(const char *env, struct options *options, char *error)
{
	struct span list = span__of(env), setting, key, value;
	bool heap_asked = false;
	int err;

	while (parse__split(&list, ',', &setting)) {
		if (!setting.len)
			continue;
		value = setting;
		parse__split(&value, '=', &key);
		if (!value.at)
			value = (struct span){"", 0};
		err = apply(options, key, value, &heap_asked, error);
		if (err)
			return err;
	}
	if (options->profiles & OPTIONS_HEAP)
		return 0;
	options->heap_lines = false;
	if (heap_asked && options_features[FEATURE_HEAP].available)
		warn(options, span__of("heaptrace"), "no heap profile is taken; add heap to -P");
	else if (heap_asked)
		warn(options, span__of("heaptrace"), "not available in this version");
	return 0;
}
