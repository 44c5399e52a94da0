/* Every option, once: its names, its help and the words for a value that it cannot take. */
#include "options_table.h"
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct options_feature options_features[FEATURE_CNT] = {
	[FEATURE_CPU] = {"cpu", true},
	[FEATURE_HEAP] = {"heap", true},
	[FEATURE_BLOCK] = {"block", true},
	[FEATURE_MUTEX] = {"mutex", true},
	[FEATURE_THREADS] = {"threads", true},
	[FEATURE_SCHED] = {"sched", true},
	[FEATURE_THREADCREATE] = {"threadcreate", true},
	[FEATURE_WALL] = {"wall", true},
	[FEATURE_FAULTS] = {"faults", true},
	[FEATURE_PPROF] = {"pprof", true},
	[FEATURE_FOLDED] = {"folded", true},
	[FEATURE_HTML] = {"html", true},
	[FEATURE_LISTEN] = {"--listen", true},
	[FEATURE_MAX_OVERHEAD] = {"--max-overhead", true},
};

/* clang-format off */
const struct argp_option options_table[] = {
	{NULL, 0, NULL, 0, "What and how long:", 1},
	{"pid", OPTION_PID, "LIST", 0, "profile these processes: ids as you see them, separated by "
		"commas; repeated lists add up (default: the whole host)", 0},
	{"duration", OPTION_DURATION, "TIME", 0, "stop after TIME: 10, 10s, 500ms, 2m, 1h, 1.5s; 0 "
		"is no limit, and with -P threads alone: print every thread's stack now and exit (default: until a signal, or CMD or the last PID exits)", 0},

	{NULL, 0, NULL, 0, "Profiles:", 2},
	{"profiles", OPTION_PROFILES, "LIST", 0, "of cpu,heap,block,mutex,threads,sched and threadcreate,wall,faults (default: cpu,heap "
		"with --pid or CMD, cpu for the host)", 0},
	{"wall", OPTION_WALL, NULL, 0, "add wall to the profiles: where each thread is, -F times a second, "
		"whether it runs or waits", 0},
	{"frequency", OPTION_FREQUENCY, "HZ", 0, "CPU samples a second on each CPU, and wall samples of each thread, "
		"1 to 10000 (default: 99)", 0},
	{"heap-rate", OPTION_HEAP_RATE, "BYTES", 0, "mean bytes between two sampled allocations, "
		"such as 512K; 1 samples every one (default: 524288)", 0},
	{"max-overhead", OPTION_MAX_OVERHEAD, "PCT", 0, "share of one CPU that bpfprof and its "
		"probes may cost before they are thinned, 0.1 to 100 (default: 5)", 0},

	{"max-memory", OPTION_MAX_MEMORY, "BYTES", 0, "memory, its maps in the kernel with it, that bpfprof may hold "
		"before it keeps less, 0 or 1M to 64G (default: 192M)", 0},

	{NULL, 0, NULL, 0, "Output:", 3},
	{"output", OPTION_OUTPUT, "DIR", 0, "directory for the profiles, written at the end "
		"(default: . with --pid or CMD, none written for the host)", 0},
	{"format", OPTION_FORMAT, "LIST", 0, "of pprof,folded,html (default: pprof)", 0},
	{"top", OPTION_TOP, "N", OPTION_ARG_OPTIONAL, "print the N hottest functions at the end, "
		"20 if N is not given; 0 is none (default: 20 with --pid or CMD, none for the host)", 0},
	{"listen", OPTION_LISTEN, "ADDR", 0, "serve HTTP on host:port, [IPv6]:port or unix:PATH, or "
		"off (default: 127.0.0.1:6060 for the host, off with --pid or CMD)", 0},
	{"linger", OPTION_LINGER, "TIME", 0, "how long a profile that was first asked for over HTTP is "
		"measured after the last request for it, up to 24h (default: 60s)", 0},
	{"listen-token-file", OPTION_LISTEN_TOKEN_FILE, "FILE", 0, "who sends `Authorization: Bearer "
		"TOKEN' with the first line of FILE sees everything, from wherever; without it "
		"only local users are answered", 0},

	{"retain", OPTION_RETAIN, "DIR,SIZE,AGE", 0, "keep a profile a minute in DIR, SIZE (1G) and AGE (24h) at "
		"the most; ?time= reads them over HTTP (default: none)", 0},
	{"symbol-cache", OPTION_SYMBOL_CACHE, "BYTES", 0, "memory for names that were looked up "
		"before, 0 to 64G (default: 32M)", 0},
	{"debuginfod", OPTION_DEBUGINFOD, NULL, 0, "ask the servers in DEBUGINFOD_URLS for debug "
		"files that are not installed", 0},

	{NULL, 0, NULL, 0, "Lines on stderr:", 4},
	{"interval", OPTION_INTERVAL, "TIME", 0, "period of the SCHED and heap lines and of the "
		"drain, 10ms to 24h (default: 1s)", 0},
	{"no-trace", OPTION_NO_TRACE, NULL, 0, "no SCHED and heap lines", 0},
	{"stats", OPTION_STATS, NULL, 0, "at the end: own CPU, RSS, map memory, run time of each BPF "
		"program, every loss counter", 0},

	{NULL, 0, NULL, 0, "Messages:", 5},
	{"quiet", OPTION_QUIET, NULL, 0, "print errors only; SCHED and heap lines stay", 0},
	{"verbose", OPTION_VERBOSE, NULL, 0, "print what is done, too", 0},
	{"check", OPTION_CHECK, NULL, 0, "print what this kernel and these privileges allow, and what each "
		"gap costs, and exit: 0, or 1 if something is missing", 0},
	{"help", OPTION_HELP, NULL, 0, "print this and exit", 0},
	{"version", OPTION_VERSION, NULL, 0, "print the version and exit", 0},
	{NULL, 0, NULL, 0, NULL, 0},
};

static const struct option_words words[] = {
	{OPTION_PID, "a process id", "1 to 4194304, separated by commas, e.g. -p 4242"},
	{OPTION_DURATION, "a time", "seconds or a unit of us, ms, s, m, h, up to 87600h, e.g. -d 10s"},
	{OPTION_INTERVAL, "a time", "10ms to 24h, e.g. -i 1s"},
	{OPTION_FREQUENCY, "a number of samples a second", "1 to 10000, e.g. -F 99"},
	{OPTION_PROFILES, "a profile", "some of cpu,heap,block,mutex,threads,sched,threadcreate,wall,faults, e.g. -P cpu"},
	{OPTION_OUTPUT, "a directory", "one, e.g. -o ."},
	{OPTION_FORMAT, "a format", "some of pprof,folded,html, e.g. -f pprof"},
	{OPTION_TOP, "a number of functions", "0 to 100000, e.g. --top=20"},
	{OPTION_HEAP_RATE, "a number of bytes", "1 to 1024G, e.g. --heap-rate 512K"},
	{OPTION_MAX_OVERHEAD, "a percentage", "0.1 to 100, e.g. --max-overhead 5"},
	{OPTION_MAX_MEMORY, "a number of bytes", "0 or 1M to 64G, e.g. --max-memory 192M"},
	{OPTION_SYMBOL_CACHE, "a number of bytes", "0 to 64G, e.g. --symbol-cache 32M"},
	{OPTION_LISTEN, "an address", "host:port, [IPv6]:port, unix:PATH or off, "
		"e.g. --listen 127.0.0.1:6060"},
	{OPTION_LINGER, "a time", "0 to 24h, e.g. --linger 60s"},
	{OPTION_RETAIN, "a directory, a size and an age", "DIR,SIZE,AGE with 64K to 1024G and 1s to 87600h, "
		"e.g. --retain /var/lib/bpfprof,1G,24h"},
	{OPTION_LISTEN_TOKEN_FILE, "a file", "one that root alone can read"},
};
/* clang-format on */

static const char doc[] =
	"Profile a Linux host, some of its processes or one command from outside: CPU profiles for "
	"pprof, and what the scheduler does, with no restart, no recompile and no frame pointers "
	"needed.\v"
	"CMD is everything after `--' or from the first word that is not an option.\n"
	"\n"
	"Examples:\n"
	"  sudo bpfprof                         the scheduler of the host, until Ctrl-C\n"
	"  sudo bpfprof -d 10 -o /tmp           the CPU profile of the host over 10 s\n"
	"  sudo bpfprof --pid 4242 -d 30s       one process: ./cpu.pb.gz and a table\n"
	"  sudo bpfprof -f folded -- xz -9 FILE a command and its children\n"
	"  go tool pprof -top cpu.pb.gz         read what was written\n"
	"\n"
	"Environment:\n"
	"  BPFPROF=KEY=VALUE,...  the trace lines in GODEBUG's words:\n"
	"    schedtrace=MS        period of the SCHED lines instead of -i, 0 = off\n"
	"    heaptrace=MS         period of the heap lines instead of -i, 0 = off\n"
	"    scheddetail=1        add a line a CPU and a line a thread\n"
	"  DEBUGINFOD_URLS=URL ...  with --debuginfod: servers of debug files\n"
	"  sudo keeps no environment: sudo BPFPROF=schedtrace=1000 bpfprof\n"
	"\n"
	"Signals:\n"
	"  SIGINT, SIGTERM        write the profiles and stop; a second: stop at once\n"
	"  SIGUSR1                turn the SCHED lines on or off\n"
	"  SIGUSR2                turn the heap lines on or off\n"
	"\n"
	"Exit status:\n"
	"  0                      done\n"
	"  1                      a failure at run time\n"
	"  2                      wrong usage\n"
	"  with CMD               CMD's own status, 128+N if signal N ended it\n"
	"\n"
	"Reports go to stdout, lines and messages to stderr.";

const char *options_table__name(int key)
{
	const struct argp_option *option;

	for (option = options_table; option->name || option->doc; option++)
		if (option->name && option->key == key)
			return option->name;
	return NULL;
}

const struct option_words *options_table__words(int key)
{
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].key == key)
			return &words[i];
	return NULL;
}

static const struct argp_option *find_short(char c)
{
	const struct argp_option *option;

	for (option = options_table; option->name || option->doc; option++)
		if (option->name && option->key == c && option->key < 0x80)
			return option;
	return NULL;
}

/* An exact name, or else the only one that begins so. match_cnt: how many begin so. */
static const struct argp_option *find_long(const char *name, size_t len, size_t *ret_match_cnt)
{
	const struct argp_option *option, *match = NULL;
	size_t cnt = 0;

	for (option = options_table; option->name || option->doc; option++) {
		if (!option->name || strncmp(option->name, name, len))
			continue;
		cnt++;
		match = option;
		if (!option->name[len]) {
			cnt = 1;
			break;
		}
	}
	*ret_match_cnt = cnt;
	return match;
}

static void explain_ambiguous(
	const char *name, size_t name_len, const char *shown, char *message, size_t size)
{
	const struct argp_option *option;
	const char *sep = "";
	size_t len;

	snprintf(message, size, "option \"%s\" is ambiguous: ", shown);
	for (option = options_table; option->name || option->doc; option++) {
		if (!option->name || strncmp(option->name, name, name_len))
			continue;
		len = strlen(message);
		snprintf(message + len, size - len, "%s--%s", sep, option->name);
		sep = " or ";
	}
}

void options_table__explain(const char *arg, char *message, size_t size)
{
	const struct argp_option *option = NULL;
	size_t match_cnt = 0, name_len;
	char shown[128];

	if (!strncmp(arg, "--", 2)) {
		name_len = strcspn(arg + 2, "=");
		option = find_long(arg + 2, name_len, &match_cnt);
		log__escape_n(shown, sizeof(shown), arg, name_len + 2);
		if (match_cnt > 1) {
			explain_ambiguous(arg + 2, name_len, shown, message, size);
			return;
		}
	} else {
		/* A cluster: what getopt took before the bad one are options without a value. */
		for (arg++; *arg; arg++) {
			option = find_short(*arg);
			if (!option || option->arg)
				break;
		}
		shown[0] = '-';
		log__escape_n(shown + 1, sizeof(shown) - 1, arg, *arg ? 1 : 0);
	}
	if (!option)
		snprintf(message, size, "unknown option \"%s\"; see bpfprof --help", shown);
	else if (option->arg)
		snprintf(message, size, "--%s: no value; give %s", option->name,
			options_table__words(option->key)->give);
	else
		snprintf(message, size, "--%s takes no value; see bpfprof --help", option->name);
}

/* The end of the help depends on the features. argp frees what differs from text. */
static char *filter_help(int key, const char *text, void *input)
{
	const char *head = "Not available in this version, nor part of its defaults:";
	const char *sep = " ";
	char line[256];
	size_t len, i;

	(void)input;
	if (key != ARGP_KEY_HELP_EXTRA)
		return (char *)text;
	line[0] = '\0';
	for (i = 0; i < FEATURE_CNT; i++) {
		if (options_features[i].available)
			continue;
		len = strlen(line);
		snprintf(line + len, sizeof(line) - len, "%s%s%s%s", head, sep,
			options_features[i].name, i == FEATURE_HEAP ? " with --heap-rate" : "");
		head = "", sep = ", ";
	}
	return line[0] ? strdup(line) : NULL;
}

static int flush(FILE *out)
{
	if (fflush(out))
		return -errno;
	/* What did not fit the buffer was written, or not, before. */
	return ferror(out) ? (errno ? -errno : -EIO) : 0;
}

int options__print_help(FILE *out)
{
	static char name[] = "bpfprof";
	const struct argp argp = {
		.options = options_table,
		.args_doc = "\n--pid PID[,PID]\n-- CMD [ARG...]",
		.doc = doc,
		.help_filter = filter_help,
	};

	char *whole = NULL;
	size_t bytes;
	FILE *text;
	int err;

	/* The user's could break the layout; the note is one that help_filter is not asked about. */
	if (setenv("ARGP_HELP_FMT", "no-dup-args-note", 1))
		return -errno;
	/* argp loses the errno of a write that fails. */
	text = open_memstream(&whole, &bytes);
	if (!text)
		return -errno;
	argp_help(&argp, text,
		ARGP_HELP_SHORT_USAGE | ARGP_HELP_PRE_DOC | ARGP_HELP_LONG | ARGP_HELP_POST_DOC,
		name);
	err = fclose(text) || fputs(whole, out) == EOF ? -errno : flush(out);
	free(whole);
	return err;
}

int options__print_version(FILE *out)
{
	fprintf(out, "bpfprof %s\n", BPFPROF_VERSION);
	return flush(out);
}
