/* SPDX-License-Identifier: GPL-2.0 */
/* Whether a request may be answered at all, from what its headers say. No state: tables and fuzzers run it as it is. */
#ifndef SERVE_GUARD_H
#define SERVE_GUARD_H

#include <stdbool.h>

/* A Host header that no other site's name can be behind: none, localhost, an address, or what --listen names. A page of
 * another site whose name is made to point here (DNS rebinding) sends that name. */
bool guard__host_is_own(const char *host, const char *listen_host);
/* Browsers say where a request comes from: another site's page may not even start something here. Both may be NULL. */
bool guard__site_is_own(const char *fetch_site, const char *origin, const char *host);
/* "Bearer TOKEN", in a time that tells nothing about token. */
bool guard__token_is_right(const char *authorization, const char *token);

#endif
