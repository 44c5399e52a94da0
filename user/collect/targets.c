// SPDX-License-Identifier: GPL-2.0
/* Loads and attaches bpf/targets.bpf.c. */
#include "collect/targets.h"

#include <errno.h>
#include <stdlib.h>

#include "collect/shared.h"
#include "targets.skel.h"

struct targets {
	struct shared *shared;
	struct targets_bpf *bpf;
};

void targets__close(struct targets *targets)
{
	if (!targets)
		return;
	if (targets->bpf)
		shared__remove(targets->shared, targets->bpf->obj);
	targets_bpf__destroy(targets->bpf);
	free(targets);
}

int targets__open(
	struct shared *shared, bool follow_children, struct targets **ret, const char **ret_reason)
{
	struct targets *targets = calloc(1, sizeof(*targets));
	int err = -ENOMEM;

	*ret_reason = "cannot load the programs that follow processes";
	if (!targets)
		return -ENOMEM;
	targets->shared = shared;
	targets->bpf = targets_bpf__open();
	if (!targets->bpf) {
		err = -errno;
		goto out;
	}
	bpf_program__set_autoload(targets->bpf->progs.target_fork, follow_children);
	bpf_program__set_autoload(targets->bpf->progs.target_exit, true);
	err = shared__load(shared, targets->bpf->skeleton);
	if (err)
		goto out;
	*ret_reason = "cannot attach the programs that follow processes";
	err = targets_bpf__attach(targets->bpf);
	if (err)
		goto out;
	*ret = targets;
	return 0;
out:
	targets__close(targets);
	return err;
}
