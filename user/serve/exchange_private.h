/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of an exchange share. */
#ifndef SERVE_EXCHANGE_PRIVATE_H
#define SERVE_EXCHANGE_PRIVATE_H

#include "serve/server_private.h"

/* Takes response. content_type: NULL for none. */
enum MHD_Result exchange__queue(struct exchange *exchange, unsigned int status,
	const char *content_type, struct MHD_Response *response);
/* What was suspended goes on. */
enum MHD_Result exchange__answer(struct exchange *exchange);
/* Ends what is under way for it: a client that left costs nothing more. */
void exchange__end_work(struct exchange *exchange);

#endif
