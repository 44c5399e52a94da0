// SPDX-License-Identifier: GPL-2.0
/* The page of -f html and the JSON in it, read by Python; what a browser makes of it is
 * tests/root/test_page.py. */
#include "test_output.h"

#include "output/html.h"
#include "output/json_writer.h"
#include "output/profile_json.h"

static char *json_of(const struct output_source *source)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	assert_int_equal(profile_json__write(source, out), 0);
	fclose(out);
	return text;
}

static char *escaped(const char *text, size_t bytes)
{
	char *made = NULL;
	size_t size;
	FILE *out = open_memstream(&made, &size);
	struct json json = {.out = out};

	json__text_n(&json, NULL, text, bytes);
	fclose(out);
	assert_int_equal(json.error, 0);
	return made;
}

#define ESCAPED(text, expected)                                                                    \
	do {                                                                                       \
		char *made = escaped(text, sizeof(text) - 1);                                      \
                                                                                                   \
		assert_string_equal(made, expected);                                               \
		free(made);                                                                        \
	} while (0)

static void test_text(void **state)
{
	(void)state;
	ESCAPED("", "\"\"");
	ESCAPED("plain", "\"plain\"");
	ESCAPED("</script><!--&", "\"\\u003c/script\\u003e\\u003c!--\\u0026\"");
	ESCAPED("\"\\\n\t\x01\x7f", "\"\\u0022\\u005c\\u000a\\u0009\\u0001\\u007f\"");
	ESCAPED("a\0b", "\"a\\u0000b\"");
	ESCAPED("\xe2\x80\xa8 \xe2\x80\xa9 \xe2\x80\xaa", "\"\\u2028 \\u2029 \xe2\x80\xaa\"");
	ESCAPED("\xc3\xa9 \xff\xe2\x80", "\"\xc3\xa9 ???\"");
}

/* Two functions in one location, the root shared by two stacks, a kernel frame, words, hostile names. */
static struct fixture *small_fixture(void)
{
	const uint64_t kernel = kernel_frame(0xffffffff81000100), leaf = file_frame(1, 1),
		       root = file_frame(1, 3);
	struct fixture *fixture = fixture__new(&profile_kind_cpu);
	uint32_t app = fixture__mapping(
		fixture, (struct symbol_mapping){.path = "/usr/bin/app", .build_id = ""});
	struct symbol_location *location;

	fixture__line(fixture,
		fixture__location(fixture, kernel, 1,
			fixture__mapping(
				fixture, (struct symbol_mapping){.path = "[kernel.kallsyms]",
						 .build_id = ""})),
		"do_idle", 0);
	location = fixture__location(fixture, leaf, 1, app);
	fixture__line(fixture, location, "inlined", 0);
	fixture__line(fixture, location, "leaf", 1);
	fixture__line(fixture, fixture__location(fixture, root, 3, app), "</script><b>", 2);
	fixture__stack(fixture, 1, STACK_END_ROOT, 1, (uint64_t[]){kernel, leaf, root}, 3);
	fixture__stack(fixture, 2, STACK_END_ROOT, 0, (uint64_t[]){leaf, root}, 2);
	fixture__stack(fixture, 3, STACK_END_NO_ROW, 0, (uint64_t[]){leaf}, 1);
	fixture__add(fixture, 1, 7, "a\"<", 2, 20);
	fixture__add(fixture, 2, 7, "a\"<", 3, 30);
	fixture__add(fixture, 3, 7, "a\"<", 4, (uint64_t)-40);
	fixture__add(fixture, 0, 8, "", 5, 50);
	return fixture;
}

static void test_profile(void **state)
{
	struct fixture *fixture = small_fixture();
	const char *comments[] = {"bpfprof 1", "x </script>"};
	char *text;

	(void)state;
	fixture->source.comments = comments;
	fixture->source.comment_cnt = 2;
	text = json_of(&fixture->source);
	assert_string_equal(text,
		"{\"bpfprof\":\"" BPFPROF_VERSION "\",\"kind\":\"cpu\",\"sample_types\":["
		"{\"type\":\"samples\",\"unit\":\"count\"},{\"type\":\"cpu\",\"unit\":\"nanoseconds\"}],"
		"\"default_type\":1,\"period_type\":{\"type\":\"cpu\",\"unit\":\"nanoseconds\"},"
		"\"period\":10101010,\"time_nanos\":1700000000123456789,\"duration_nanos\":10000000000,"
		"\"comments\":[\"bpfprof 1\",\"x \\u003c/script\\u003e\"],"
		"\"functions\":{\"name\":[1,2,3,4,5,6,7,8],\"file\":[9,9,9,9,0,0,0,0],"
		"\"mapping\":[10,11,11,11,0,0,0,0],\"line\":[1,1,2,3,0,0,0,0],\"flags\":[1,2,0,0,4,4,4,4]},"
		"\"nodes\":{\"parent\":[-1,0,1,2,-1,4,5,-1],\"function\":[3,2,1,0,5,2,1,4]},"
		"\"samples\":{\"node\":[2,3,6,7],\"pid\":[7,7,7,8],\"comm\":[12,12,12,0],"
		"\"thread\":[13,13,13,13],\"cgroup\":[0,0,0,0],\"labels\":{},"
		"\"values\":[[3,2,4,5],[30,20,-40,50]]},"
		"\"strings\":[\"\",\"do_idle\",\"inlined\",\"leaf\",\"\\u003c/script\\u003e\\u003cb\\u003e\","
		"\"[lost]\",\"[truncated]\",\"[unresolved]\",\"[created before bpfprof attached]\","
		"\"/src/app.c\",\"[kernel.kallsyms]\",\"/usr/bin/app\",\"a\\u0022\\u003c\",\"worker\"]}");
	free(text);
	fixture__free(fixture);
}

/* Python, as somebody else's reader: the tree's values are those of the folded file. */
static void test_large(void **state)
{
	struct fixture *fixture = fixture__new(&profile_kind_cpu);
	char *text;

	(void)state;
	fixture__fill(fixture, 400, 5, 5000, 30);
	fixture__save(fixture, "html");
	fixture__save(fixture, "folded");
	text = run(
		"/usr/bin/python3 -c '\n"
		"import collections, json, re, sys\n"
		"page = open(sys.argv[1] + \"/cpu.html\").read()\n"
		"block = re.search(r\"<script type=.application/json. id=.profile.>(.*?)</script>\", page, re.S)\n"
		"p = json.loads(block[1])\n"
		"s, f, n, v = p[\"strings\"], p[\"functions\"], p[\"nodes\"], p[\"samples\"]\n"
		"sums = collections.Counter()\n"
		"for at, comm, value in zip(v[\"node\"], v[\"comm\"], v[\"values\"][1]):\n"
		"    path = []\n"
		"    while at >= 0:\n"
		"        assert n[\"parent\"][at] < at\n"
		"        fn = n[\"function\"][at]\n"
		"        path.append(s[f[\"name\"][fn]] + (\"_[k]\" if f[\"flags\"][fn] & 1 else \"\"))\n"
		"        at = n[\"parent\"][at]\n"
		"    sums[\";\".join([s[comm]] + path[::-1])] += value\n"
		"folded = [line.rsplit(\" \", 1) for line in open(sys.argv[1] + \"/cpu.folded\").read().splitlines()]\n"
		"assert dict(sums) == {stack: int(value) for stack, value in folded}\n"
		"print(len(folded) > 4000, page.count(\"</script>\"), end=\"\")\n"
		"' %s",
		fixture->dir);
	assert_string_equal(text, "True 2");
	free(text);
	fixture__free(fixture);
}

static void test_page(void **state)
{
	struct fixture *fixture = small_fixture();
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	(void)state;
	assert_int_equal(html__write(&fixture->source, out), 0);
	fclose(out);
	assert_memory_equal(text, "<!DOCTYPE html>", 15);
	assert_string_equal(text + bytes - 8, "</html>\n");
	assert_contains(text, "default-src 'none'; script-src 'sha256-");
	assert_lacks(text, "://"); /* nothing comes from elsewhere */
	assert_lacks(text, "</script><b>");
	assert_lacks(text, "@SCRIPT");
	free(text);
	fixture__free(fixture);
}

static void test_empty(void **state)
{
	struct fixture *fixture = fixture__new(&profile_kind_heap);
	char *text = json_of(&fixture->source);

	(void)state;
	assert_contains(text, "\"samples\":{\"node\":[],\"pid\":[]");
	assert_contains(text, "\"values\":[[],[],[],[]]");
	free(text);
	fixture__free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_profile),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
