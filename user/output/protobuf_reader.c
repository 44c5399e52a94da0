// SPDX-License-Identifier: GPL-2.0
/* The protobuf wire format, read. */
#include "output/protobuf_reader.h"

#include <errno.h>

#define WIRE_VARINT 0
#define WIRE_BYTES  2

struct protobuf_reader protobuf_reader__of(const void *data, size_t bytes)
{
	const uint8_t *at = data;

	return (struct protobuf_reader){at, at + bytes};
}

int protobuf_reader__packed(struct protobuf_reader *reader, uint64_t *ret)
{
	uint64_t value = 0;
	unsigned int shift;

	if (reader->at == reader->end)
		return 0;
	for (shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
		uint8_t byte = *reader->at++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = value;
			return 1;
		}
	}
	return -EINVAL;
}

int protobuf_reader__next(struct protobuf_reader *reader, struct protobuf_field *ret)
{
	uint64_t tag, value;
	int more = protobuf_reader__packed(reader, &tag);

	if (more <= 0)
		return more;
	if (tag >> 3 == 0 || tag >> 3 > UINT32_MAX || protobuf_reader__packed(reader, &value) <= 0)
		return -EINVAL;
	*ret = (struct protobuf_field){.number = (uint32_t)(tag >> 3)};
	if ((tag & 7) == WIRE_VARINT) {
		ret->value = value;
		return 1;
	}
	if ((tag & 7) != WIRE_BYTES || value > (uint64_t)(reader->end - reader->at))
		return -EINVAL;
	ret->is_bytes = true;
	ret->bytes = protobuf_reader__of(reader->at, value);
	reader->at += value;
	return 1;
}
