/* SPDX-License-Identifier: GPL-2.0 */
/* One request and its answer: at once, or after a reading and a child that writes it. */
#ifndef SERVE_EXCHANGE_H
#define SERVE_EXCHANGE_H

#include <microhttpd.h>

#include "serve/client.h"
#include "serve/job.h"
#include "serve/source.h"
#include "serve/watch.h"

#define EXCHANGE_BODY_MAX 65536

enum exchange_state {
	EXCHANGE_NEW,
	EXCHANGE_WAITING, /* suspended: a reading or a job is under way */
	EXCHANGE_ANSWERED,
	EXCHANGE_GONE, /* the client left while it waited */
};

/* How a reading is written. */
enum exchange_form { FORM_PPROF, FORM_LEGACY, FORM_STACKS, FORM_JSON, FORM_SYMBOLS, FORM_PAST };

struct exchange {
	struct watch watch; /* of the client's socket while it is suspended */
	struct server *server;
	struct client *client;
	struct MHD_Connection *connection;
	enum exchange_state state;
	struct peer peer; /* who asks; a token makes root of anybody */
	char *uri;        /* as it was sent */
	const char *method, *path;
	char *body;
	size_t body_bytes;
	bool body_is_too_long;
	bool was_suspended;

	struct serve_reading *reading;
	struct job *job;
	enum exchange_form form;
	char name[32];      /* of the profile, as it was asked for */
	char file_name[48]; /* Content-Disposition; "" for none */
	const char *content_type;
	uint64_t *addresses;            /* FORM_SYMBOLS */
	struct serve_past_request past; /* FORM_PAST */
	size_t address_cnt;
	uint32_t pid;

	/* what to answer when it goes on */
	unsigned int status;
	int answer_fd;
	uint64_t answer_bytes;
	char reason[SERVE_REASON_MAX];

	struct exchange *next, **prev;
};

/* In the routes: each answers once, or starts what will. */
enum MHD_Result exchange__error(struct exchange *exchange, unsigned int status, const char *format,
	...) __attribute__((format(printf, 3, 4)));
/* Takes text, which was malloc'ed; NULL: out of memory. */
enum MHD_Result exchange__text(
	struct exchange *exchange, const char *content_type, char *text, size_t bytes);
/* data stays where it is. */
enum MHD_Result exchange__static(struct exchange *exchange, const char *content_type,
	const void *data, size_t bytes, const char *const *headers);
enum MHD_Result exchange__redirect(struct exchange *exchange, const char *path);
/* Measures, then writes in form. exchange->form, name, file_name, content_type are set. */
enum MHD_Result exchange__read(
	struct exchange *exchange, const struct serve_reading_request *request);
/* Writes what was kept; exchange->past, file_name, content_type are set. */
enum MHD_Result exchange__read_past(struct exchange *exchange);
/* Writes exchange->addresses' names. */
enum MHD_Result exchange__symbolize(struct exchange *exchange);

/* The first value of a query argument; NULL: not given. */
const char *exchange__query(const struct exchange *exchange, const char *name);
const struct serve_source *exchange__source(const struct exchange *exchange);

#endif
