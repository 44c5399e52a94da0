// SPDX-License-Identifier: GPL-2.0
/* JSON (RFC 8259), written as it comes. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "output/json_writer.h"
#include "output/text.h"

static void put(struct json *json, const char *text, size_t bytes)
{
	if (!json->error && bytes && fwrite(text, 1, bytes, json->out) != bytes)
		json->error = -errno;
}

static void put_quoted(struct json *json, const char *text, size_t bytes)
{
	size_t first = 0;
	char escaped[8];
	size_t i, len;

	put(json, "\"", 1);
	for (i = 0; i < bytes; i++) {
		uint8_t byte = text[i];

		len = 1;
		if (byte < 0x20 || byte == 0x7f || strchr("\"\\<>&", byte)) {
			snprintf(escaped, sizeof(escaped), "\\u%04x", byte);
		} else if (byte == 0xe2 && bytes - i >= 3 && (uint8_t)text[i + 1] == 0x80 &&
			   (text[i + 2] & 0xfe) == 0xa8) {
			snprintf(
				escaped, sizeof(escaped), "\\u%04x", 0x2000 | (text[i + 2] & 0x3f));
			len = 3;
		} else {
			continue;
		}
		put(json, text + first, i - first);
		put(json, escaped, strlen(escaped));
		i += len - 1;
		first = i + 1;
	}
	put(json, text + first, bytes - first);
	put(json, "\"", 1);
}

static void begin_value(struct json *json, const char *key)
{
	if (json->comma)
		put(json, ",", 1);
	json->comma = true;
	if (!key)
		return;
	put_quoted(json, key, strlen(key));
	put(json, ":", 1);
}

void json__open(struct json *json, const char *key, char bracket)
{
	begin_value(json, key);
	put(json, &bracket, 1);
	json->comma = false;
}

void json__close(struct json *json, char bracket)
{
	put(json, &bracket, 1);
	json->comma = true;
}

void json__int(struct json *json, const char *key, int64_t value)
{
	begin_value(json, key);
	if (!json->error && fprintf(json->out, "%" PRId64, value) < 0)
		json->error = -errno;
}

void json__real(struct json *json, const char *key, double value)
{
	begin_value(json, key);
	if (!json->error && fprintf(json->out, "%.6f", value) < 0)
		json->error = -errno;
}

void json__bool(struct json *json, const char *key, bool value)
{
	const char *text = value ? "true" : "false";

	begin_value(json, key);
	put(json, text, strlen(text));
}

void json__text_n(struct json *json, const char *key, const char *text, size_t bytes)
{
	char *repaired = NULL;

	begin_value(json, key);
	if (!text__is_utf8(text, bytes)) {
		repaired = malloc(bytes);
		if (!repaired) {
			json->error = json->error ? json->error : -ENOMEM;
			return;
		}
		memcpy(repaired, text, bytes);
		text__repair_utf8(repaired, bytes);
	}
	put_quoted(json, repaired ? repaired : text, bytes);
	free(repaired);
}

void json__text(struct json *json, const char *key, const char *text)
{
	json__text_n(json, key, text, strlen(text));
}
