// SPDX-License-Identifier: GPL-2.0
/* Whether a request may be answered at all. */
#include "serve/guard.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_BYTES 254

/* The name in "name:port" or "[address]:port". False: it is neither. */
static bool host__split(const char *host, char ret[NAME_MAX_BYTES])
{
	const char *end;
	size_t bytes;

	if (*host == '[') {
		host++;
		end = strchr(host, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
	} else {
		end = host + strcspn(host, ":");
	}
	bytes = (size_t)(end - host);
	if (!bytes || bytes >= NAME_MAX_BYTES)
		return false;
	if (*end == ']')
		end++;
	if (*end == ':' && end[1 + strspn(end + 1, "0123456789")])
		return false;
	memcpy(ret, host, bytes);
	ret[bytes] = '\0';
	if (ret[bytes - 1] == '.')
		ret[bytes - 1] = '\0';
	return true;
}

bool guard__host_is_own(const char *host, const char *listen_host)
{
	unsigned char address[16];
	char name[NAME_MAX_BYTES];

	if (!host || !*host)
		return true; /* no browser */
	if (!host__split(host, name))
		return false;
	return !strcasecmp(name, "localhost") || (*listen_host && !strcasecmp(name, listen_host)) ||
	       inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

bool guard__site_is_own(const char *fetch_site, const char *origin, const char *host)
{
	const char *authority;

	if (fetch_site && strcmp(fetch_site, "same-origin") && strcmp(fetch_site, "none"))
		return false;
	if (!origin)
		return true;
	authority = strstr(origin, "://");
	return authority && host && !strcasecmp(authority + 3, host);
}

bool guard__token_is_right(const char *authorization, const char *token)
{
	volatile unsigned char difference = 0;
	size_t token_bytes = strlen(token), given_bytes, i;
	const char *given;

	if (!token_bytes || strncasecmp(authorization, "Bearer ", 7))
		return false;
	given = authorization + 7 + strspn(authorization + 7, " ");
	given_bytes = strlen(given);
	/* As many steps as are given, whatever the token is. */
	for (i = 0; i < given_bytes; i++)
		difference |= (unsigned char)given[i] ^ (unsigned char)token[i % token_bytes];
	return (given_bytes == token_bytes) & (difference == 0);
}
