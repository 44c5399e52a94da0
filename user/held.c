// SPDX-License-Identifier: GPL-2.0
/* CMD waits on its way to main() until its files are known. */
#include "held.h"

#include <stdlib.h>
#include <string.h>

#include "collect/hold.h"
#include "log.h"

struct held {
	struct capture *capture;
	struct hold *hold; /* NULL: it is past the last point */
};

struct held *held__new(struct capture *capture, pid_t pid)
{
	struct held *held;
	int err;

	held = calloc(1, sizeof(*held));
	if (!held)
		return NULL;
	held->capture = capture;
	err = hold__open(capture__shared(capture), pid, &held->hold);
	if (err) {
		log__debug("CMD is not held until its files are known: %s", strerror(-err));
		free(held);
		return NULL;
	}
	return held;
}

void held__on_child(struct held *held)
{
	if (!held || !held->hold || hold__reached(held->hold) == HOLD_NOWHERE)
		return;
	capture__build_tables(held->capture);
	log__debug("CMD was held until its files were known");
	if (hold__continue(held->hold))
		return;
	hold__close(held->hold);
	held->hold = NULL;
}

void held__free(struct held *held)
{
	if (!held)
		return;
	hold__close(held->hold);
	free(held);
}
