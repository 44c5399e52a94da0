// SPDX-License-Identifier: GPL-2.0
/* The protobuf wire format (protobuf.dev/programming-guides/encoding), as much of it as
 * profile.proto needs. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "output/protobuf.h"

#define VARINT_BYTES_MAX 10
#define WIRE_VARINT      0
#define WIRE_BYTES       2

void protobuf__free(struct protobuf *message)
{
	free(message->data);
	*message = (struct protobuf){0};
}

static bool reserve(struct protobuf *message, size_t bytes)
{
	size_t max = message->bytes_max ? message->bytes_max : 4096;
	uint8_t *data;

	if (message->error)
		return false;
	if (message->bytes_max - message->bytes >= bytes)
		return true;
	while (max - message->bytes < bytes)
		max *= 2;
	data = realloc(message->data, max);
	if (!data) {
		message->error = -ENOMEM;
		return false;
	}
	message->data = data;
	message->bytes_max = max;
	return true;
}

static size_t encode_varint(uint8_t buf[VARINT_BYTES_MAX], uint64_t value)
{
	size_t bytes = 0;

	for (; value >= 0x80; value >>= 7)
		buf[bytes++] = value | 0x80;
	buf[bytes++] = value;
	return bytes;
}

void protobuf__packed(struct protobuf *message, uint64_t value)
{
	if (reserve(message, VARINT_BYTES_MAX))
		message->bytes += encode_varint(message->data + message->bytes, value);
}

static void tag(struct protobuf *message, unsigned int field, unsigned int wire_type)
{
	protobuf__packed(message, (uint64_t)field << 3 | wire_type);
}

void protobuf__uint64(struct protobuf *message, unsigned int field, uint64_t value)
{
	if (!value)
		return;
	tag(message, field, WIRE_VARINT);
	protobuf__packed(message, value);
}

void protobuf__int64(struct protobuf *message, unsigned int field, int64_t value)
{
	protobuf__uint64(message, field, (uint64_t)value);
}

void protobuf__bytes(struct protobuf *message, unsigned int field, const void *data, size_t bytes)
{
	tag(message, field, WIRE_BYTES);
	protobuf__packed(message, bytes);
	if (!reserve(message, bytes) || !bytes)
		return;
	memcpy(message->data + message->bytes, data, bytes);
	message->bytes += bytes;
}

/* One byte is left for the length; the rare longer one moves what was written. */
size_t protobuf__open(struct protobuf *message, unsigned int field)
{
	tag(message, field, WIRE_BYTES);
	protobuf__packed(message, 0);
	return message->bytes;
}

void protobuf__close(struct protobuf *message, size_t opened)
{
	uint8_t length[VARINT_BYTES_MAX];
	size_t bytes = message->bytes - opened;
	size_t length_bytes = encode_varint(length, bytes);

	if (!reserve(message, length_bytes - 1))
		return;
	memmove(message->data + opened + length_bytes - 1, message->data + opened, bytes);
	memcpy(message->data + opened - 1, length, length_bytes);
	message->bytes += length_bytes - 1;
}
