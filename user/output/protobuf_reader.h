/* SPDX-License-Identifier: GPL-2.0 */
/* The protobuf wire format, read a field at a time. What is read may be anything: it never leads past its end. */
#ifndef OUTPUT_PROTOBUF_READER_H
#define OUTPUT_PROTOBUF_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct protobuf_reader {
	const uint8_t *at, *end;
};

/* A number, or bytes: a string, a message, packed numbers. */
struct protobuf_field {
	uint32_t number;
	bool is_bytes;
	uint64_t value; /* unless is_bytes */
	struct protobuf_reader bytes;
};

struct protobuf_reader protobuf_reader__of(const void *data, size_t bytes);
/* 1: *ret is the next field; 0: the end; -EINVAL. Fixed32 and fixed64, which profile.proto does not use, are -EINVAL. */
int protobuf_reader__next(struct protobuf_reader *reader, struct protobuf_field *ret);
/* One of packed numbers; the same answers. */
int protobuf_reader__packed(struct protobuf_reader *reader, uint64_t *ret);

#endif
