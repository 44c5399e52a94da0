/* SPDX-License-Identifier: GPL-2.0 */
/* The protobuf wire format, as much of it as profile.proto needs. */
#ifndef OUTPUT_PROTOBUF_H
#define OUTPUT_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

/* A message being written, {0} at first. Memory that runs out sets error and makes all that follows
 * do nothing, so that only the end has to look. */
struct protobuf {
	uint8_t *data;
	size_t bytes;
	size_t bytes_max;
	int error; /* 0 or -ENOMEM */
};

void protobuf__free(struct protobuf *message);
/* Numbers as proto3 has them: a 0 is not written. */
void protobuf__uint64(struct protobuf *message, unsigned int field, uint64_t value);
void protobuf__int64(struct protobuf *message, unsigned int field, int64_t value);
void protobuf__bytes(struct protobuf *message, unsigned int field, const void *data, size_t bytes);
/* Begins a message, or packed numbers, inside of this one; the result is for protobuf__close. They
 * nest. */
size_t protobuf__open(struct protobuf *message, unsigned int field);
void protobuf__close(struct protobuf *message, size_t opened);
/* One of packed numbers. */
void protobuf__packed(struct protobuf *message, uint64_t value);

#endif
