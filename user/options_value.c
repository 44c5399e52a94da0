// SPDX-License-Identifier: GPL-2.0
/* The value of each option, and what is said of one that is refused. */
#include "options_parser.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define INTERVAL_MIN_NS  (10 * MS_NS)
#define INTERVAL_MAX_NS  (24 * 3600 * 1000 * MS_NS)
#define RETAIN_PERIOD_NS (60000 * MS_NS)
#define DURATION_MAX_NS  (87600ULL * 3600 * 1000 * MS_NS)

int parser__refuse(struct parser *parser, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(parser->error, OPTIONS_MESSAGE_MAX, fmt, args);
	va_end(args);
	return -EINVAL;
}

/* Refuses a value, or a member of a list, with the words of its option. 0 passes. */
static int check_value(struct parser *parser, int key, struct span bad, int err)
{
	const struct option_words *words = options_table__words(key);
	const char *name = options_table__name(key);
	char quoted[QUOTED_MAX];

	log__escape_n(quoted, sizeof(quoted), bad.at, bad.len);
	switch (err) {
	case 0:
		return 0;
	case -ENODATA:
		return parser__refuse(
			parser, "--%s: empty where a value should be; give %s", name, words->give);
	case -EEXIST:
		return parser__refuse(
			parser, "--%s: \"%s\" is given twice; name it once", name, quoted);
	case -E2BIG:
		return parser__refuse(parser,
			"--%s: more than %d process ids; leave --%s out to profile "
			"the whole host",
			name, OPTIONS_PIDS_MAX, name);
	case -ERANGE:
		return parser__refuse(
			parser, "--%s: \"%s\" is out of range; give %s", name, quoted, words->give);
	default:
		return parser__refuse(parser, "--%s: \"%s\" is not %s; give %s", name, quoted,
			words->what, words->give);
	}
}

/* Names of the features in first..first+cnt whose bit is in set, separated by commas. */
static const char *join_features(char *buf, size_t size, size_t first, size_t cnt, uint32_t set)
{
	size_t i, len = 0;

	buf[0] = '\0';
	for (i = 0; i < cnt && len < size; i++)
		if (set & 1U << i)
			len += snprintf(buf + len, size - len, "%s%s", len ? "," : "",
				options_features[first + i].name);
	return buf;
}

uint32_t parser__available(size_t first, size_t cnt)
{
	uint32_t set = 0;
	size_t i;

	for (i = 0; i < cnt; i++)
		if (options_features[first + i].available)
			set |= 1U << i;
	return set;
}

static int parse_features(
	struct parser *parser, int key, const char *arg, size_t first, size_t cnt, uint32_t *set)
{
	uint32_t available = parser__available(first, cnt);
	const char *names[FEATURE_CNT];
	char missing[64], usable[64];
	struct span bad = {"", 0};
	size_t i;
	int err;

	for (i = 0; i < cnt; i++)
		names[i] = options_features[first + i].name;
	err = parse__set(span__of(arg), names, cnt, set, &bad);
	err = check_value(parser, key, bad, err);
	if (err || !(*set & ~available))
		return err;
	join_features(missing, sizeof(missing), first, cnt, *set & ~available);
	join_features(usable, sizeof(usable), first, cnt, available);
	return parser__refuse(parser, "--%s: %s %s not available in this version; use -%c %s",
		options_table__name(key), missing, strchr(missing, ',') ? "are" : "is", key,
		usable);
}

static int parse_address(struct parser *parser, const char *arg)
{
	int err = parse__address(span__of(arg), &parser->options.listen);

	err = check_value(parser, OPTION_LISTEN, span__of(arg), err);
	if (err || parser->options.listen.kind == ADDRESS_OFF ||
		options_features[FEATURE_LISTEN].available)
		return err;
	return parser__refuse(
		parser, "--listen: HTTP is not available in this version; use --listen off");
}

static int parse_heap_rate(struct parser *parser, const char *arg)
{
	struct span text = span__of(arg);
	int err = parse__bytes(text, 1, 1ULL << 40, &parser->options.heap_rate_bytes);

	err = check_value(parser, OPTION_HEAP_RATE, text, err);
	if (err || options_features[FEATURE_HEAP].available)
		return err;
	return parser__refuse(parser, "--heap-rate: heap is not available in this version; leave "
				      "--heap-rate out");
}

static int parse_max_overhead(struct parser *parser, const char *arg)
{
	struct span text = span__of(arg);
	uint64_t ppm = 0;
	int err = parse__percent(text, 1000, 1000000, &ppm);

	parser->options.max_overhead_ppm = ppm;
	err = check_value(parser, OPTION_MAX_OVERHEAD, text, err);
	if (err || options_features[FEATURE_MAX_OVERHEAD].available)
		return err;
	return parser__refuse(
		parser, "--max-overhead: it is not available in this version; leave it out");
}

static int parse_max_memory(struct parser *parser, const char *arg)
{
	struct span text = span__of(arg);
	int err = parse__bytes(text, 0, 1ULL << 36, &parser->options.max_memory_bytes);

	if (!err && parser->options.max_memory_bytes && parser->options.max_memory_bytes < 1 << 20)
		err = -ERANGE;
	return check_value(parser, OPTION_MAX_MEMORY, text, err);
}

static int parse_pids(struct parser *parser, const char *arg)
{
	struct options *options = &parser->options;
	struct span bad = {"", 0};
	int err = parse__pids(
		span__of(arg), options->pids, OPTIONS_PIDS_MAX, &options->pid_cnt, &bad);

	return check_value(parser, OPTION_PID, bad, err);
}

static int parse_count(struct parser *parser, int key, const char *arg, uint64_t min, uint64_t max,
	unsigned int *ret)
{
	uint64_t number = 0;
	int err = parse__number(span__of(arg), min, max, &number);

	*ret = number;
	return check_value(parser, key, span__of(arg), err);
}

static int parse_output(struct parser *parser, const char *arg)
{
	parser->options.output_dir = arg;
	return check_value(parser, OPTION_OUTPUT, span__of(arg), *arg ? 0 : -ENODATA);
}

static int parse_token_file(struct parser *parser, const char *arg)
{
	parser->options.token_file = arg;
	return check_value(parser, OPTION_LISTEN_TOKEN_FILE, span__of(arg), *arg ? 0 : -ENODATA);
}

static int parse_retain(struct parser *parser, const char *arg)
{
	struct options_retain *retain = &parser->options.retain;
	struct span rest = span__of(arg), part = {"", 0};
	int err = 0, field;

	retain->period_ns = RETAIN_PERIOD_NS;
	for (field = 0; !err && parse__split(&rest, ',', &part); field++) {
		if (field == 0 && part.len && part.len < sizeof(retain->dir))
			memcpy(retain->dir, part.at, part.len), retain->dir[part.len] = '\0';
		else if (field == 1)
			err = parse__bytes(part, 64 << 10, 1ULL << 40, &retain->bytes_max);
		else if (field == 2)
			err = parse__time(part, 1000 * MS_NS, DURATION_MAX_NS, &retain->age_max_ns);
		else if (field == 3)
			err = parse__time(part, 100 * MS_NS, DURATION_MAX_NS, &retain->period_ns);
		else
			err = -EINVAL;
	}
	if (!err && field < 3) {
		part = span__of(arg);
		err = -EINVAL;
	}
	return check_value(parser, OPTION_RETAIN, part, err);
}

int parser__value(struct parser *parser, int key, const char *arg)
{
	struct options *options = &parser->options;
	int err;

	switch (key) {
	case OPTION_PID:
		return parse_pids(parser, arg);
	case OPTION_DURATION:
		err = parse__time(span__of(arg), 0, DURATION_MAX_NS, &options->duration_ns);
		return check_value(parser, key, span__of(arg), err);
	case OPTION_INTERVAL:
		err = parse__time(
			span__of(arg), INTERVAL_MIN_NS, INTERVAL_MAX_NS, &options->interval_ns);
		return check_value(parser, key, span__of(arg), err);
	case OPTION_FREQUENCY:
		return parse_count(parser, key, arg, 1, 10000, &options->frequency_hz);
	case OPTION_PROFILES:
		return parse_features(
			parser, key, arg, FEATURE_CPU, FEATURE_PROFILE_CNT, &options->profiles);
	case OPTION_FORMAT:
		return parse_features(
			parser, key, arg, FEATURE_PPROF, FEATURE_FORMAT_CNT, &options->formats);
	case OPTION_OUTPUT:
		return parse_output(parser, arg);
	case OPTION_TOP:
		return arg ? parse_count(parser, key, arg, 0, 100000, &options->top_cnt) : 0;
	case OPTION_HEAP_RATE:
		return parse_heap_rate(parser, arg);
	case OPTION_MAX_OVERHEAD:
		return parse_max_overhead(parser, arg);
	case OPTION_MAX_MEMORY:
		return parse_max_memory(parser, arg);
	case OPTION_LISTEN:
		return parse_address(parser, arg);
	case OPTION_SYMBOL_CACHE:
		err = parse__bytes(span__of(arg), 0, 1ULL << 36, &options->symbol_cache_bytes);
		return check_value(parser, key, span__of(arg), err);
	case OPTION_LINGER:
		err = parse__time(span__of(arg), 0, INTERVAL_MAX_NS, &options->linger_ns);
		return check_value(parser, key, span__of(arg), err);
	case OPTION_RETAIN:
		return parse_retain(parser, arg);
	case OPTION_LISTEN_TOKEN_FILE:
		return parse_token_file(parser, arg);
	case OPTION_WALL:
		return options_features[FEATURE_WALL].available
			       ? 0
			       : parser__refuse(parser,
					 "--wall: it is not available in this version; "
					 "leave it out");
	default: /* a flag: given[] says it all */
		return 0;
	}
}
