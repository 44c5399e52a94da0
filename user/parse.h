/*
 * Parsers of option values, from text to a value in the unit that its name states.
 *
 * They take a span, need no terminating NUL and read nothing but the text, whole: no spaces, signs
 * or trailing bytes. Each returns 0; -EINVAL for a text that is no such value; -ERANGE for one
 * that is, but lies outside the range given, overflows, or is positive and rounds to zero.
 */
#ifndef BPFPROF_PARSE_H
#define BPFPROF_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PARSE_PID_MAX 4194304 /* PID_MAX_LIMIT, include/linux/threads.h: no pid is larger */

struct span {
	const char *at;
	size_t len;
};

enum address_kind { ADDRESS_OFF, ADDRESS_TCP, ADDRESS_UNIX };

/* host: a name or a number, IPv6 without its brackets. path: fits sun_path with its NUL. */
struct address {
	enum address_kind kind;
	char host[254];
	uint16_t port;
	char path[108];
};

struct span span__of(const char *text);
bool span__equals(struct span span, const char *text);

/* Decimal digits. */
int parse__number(struct span text, uint64_t min, uint64_t max, uint64_t *ret_number);
/* Seconds, or with a unit: us, ms, s, m, h. Fractions (1.5s) down to a nanosecond. */
int parse__time(struct span text, uint64_t min_ns, uint64_t max_ns, uint64_t *ret_ns);
/* Bytes, or with a unit: K, M, G (powers of 1024, either case). */
int parse__bytes(struct span text, uint64_t min_bytes, uint64_t max_bytes, uint64_t *ret_bytes);
/* A percentage, fractions allowed, a `%` at its end too, in parts per million. */
int parse__percent(struct span text, uint64_t min_ppm, uint64_t max_ppm, uint64_t *ret_ppm);
/* host:port, [IPv6]:port, unix:PATH or off. Port 0 lets the kernel choose. Nothing is resolved. */
int parse__address(struct span text, struct address *ret_address);

/*
 * Splits the text before the first sep off list. False when list is used up, which list->at == NULL
 * states: the empty text is one empty member, and `a,` is `a` and an empty one.
 */
bool parse__split(struct span *list, char sep, struct span *ret_member);

/*
 * Adds the members of list to set: bit i for names[i], name_cnt up to 32. Returns -ENODATA for an
 * empty member, -EINVAL for an unknown one and -EEXIST for one that the set has already; then set is
 * untouched and *ret_bad the member.
 */
int parse__set(struct span list, const char *const *names, size_t name_cnt, uint32_t *set,
	struct span *ret_bad);

/*
 * Appends the process ids in list to pids. Errors as parse__set's, -ERANGE for an id outside
 * 1..PARSE_PID_MAX, -E2BIG for more than pids_max; then *pid_cnt is untouched.
 */
int parse__pids(
	struct span list, pid_t *pids, size_t pids_max, size_t *pid_cnt, struct span *ret_bad);

#endif
