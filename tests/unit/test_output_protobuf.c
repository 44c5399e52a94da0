// SPDX-License-Identifier: GPL-2.0
/* The protobuf encoder, byte by byte. */
#include "test_output.h"

#include "output/protobuf.h"

static void test_protobuf_golden(void **state)
{
	/* The examples of protobuf.dev/programming-guides/encoding, and lengths of two bytes. */
	static const uint8_t golden[] = {0x08, 0x96, 0x01,      /* 1: 150 */
		0x12, 0x07, 't', 'e', 's', 't', 'i', 'n', 'g',  /* 2: "testing" */
		0x1a, 0x03, 0x08, 0x96, 0x01,                   /* 3 {1: 150} */
		0x32, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05, /* 6: packed 3, 270, 86942 */
		0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, /* 1: -1 */
		0x12, 0x00,                                                       /* 2: "" */
		0x1a, 0x84, 0x01, 0x22, 0x81, 0x01};                              /* 3 {4 {... */
	struct protobuf message = {0};
	size_t outer, inner;
	int i;

	(void)state;
	protobuf__uint64(&message, 1, 150);
	protobuf__bytes(&message, 2, "testing", 7);
	outer = protobuf__open(&message, 3);
	protobuf__int64(&message, 1, 150);
	protobuf__int64(&message, 2, 0); /* not written */
	protobuf__close(&message, outer);
	outer = protobuf__open(&message, 6);
	protobuf__packed(&message, 3);
	protobuf__packed(&message, 270);
	protobuf__packed(&message, 86942);
	protobuf__close(&message, outer);
	protobuf__int64(&message, 1, -1);
	protobuf__bytes(&message, 2, NULL, 0);
	outer = protobuf__open(&message, 3);
	inner = protobuf__open(&message, 4);
	for (i = 0; i < 129; i++)
		protobuf__packed(&message, i % 128);
	protobuf__close(&message, inner);
	protobuf__close(&message, outer);
	assert_int_equal(message.error, 0);
	assert_int_equal(message.bytes, sizeof(golden) + 129);
	assert_memory_equal(message.data, golden, sizeof(golden));
	for (i = 0; i < 129; i++)
		assert_int_equal(message.data[sizeof(golden) + i], i % 128);
	protobuf__free(&message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_protobuf_golden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
