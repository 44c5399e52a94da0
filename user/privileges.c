// SPDX-License-Identifier: GPL-2.0
/* Capabilities, by the system calls: libcap has no more to offer here. */
#include "privileges.h"

#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

struct caps {
	uint64_t effective, permitted, inheritable;
};

static int caps__get(struct caps *ret)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	*ret = (struct caps){
		.effective = data[0].effective | (uint64_t)data[1].effective << 32,
		.permitted = data[0].permitted | (uint64_t)data[1].permitted << 32,
		.inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32,
	};
	return 0;
}

static int caps__set(const struct caps *caps)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	int i;

	for (i = 0; i < 2; i++)
		data[i] = (struct __user_cap_data_struct){
			.effective = (uint32_t)(caps->effective >> (32 * i)),
			.permitted = (uint32_t)(caps->permitted >> (32 * i)),
			.inheritable = (uint32_t)(caps->inheritable >> (32 * i)),
		};
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

uint64_t privileges__effective(void)
{
	struct caps caps;

	return caps__get(&caps) ? 0 : caps.effective;
}

bool privileges__has(int cap)
{
	return privileges__effective() >> cap & 1;
}

int privileges__perf_event_paranoid(void)
{
	FILE *file = fopen("/proc/sys/kernel/perf_event_paranoid", "re");
	int level = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%d", &level) != 1)
		level = -1;
	fclose(file);
	return level;
}

/* Up to the last one that the kernel knows: its number is not that of our headers. */
static void bounding_set__cut(uint64_t keep)
{
	int cap;

	for (cap = 0; cap < 64 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!(keep >> cap & 1))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0); /* refused without CAP_SETPCAP */
}

int privileges__drop(uint64_t keep, uint64_t later)
{
	struct caps caps;
	int err = caps__get(&caps);

	if (err)
		return err;
	/* First what needs a capability that goes. */
	bounding_set__cut(keep);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	caps.effective &= keep;
	caps.permitted &= keep | later;
	caps.inheritable = 0;
	return caps__set(&caps);
}

void privileges__raise(uint64_t caps_wanted)
{
	struct caps caps;

	if (caps__get(&caps))
		return;
	caps.effective |= caps_wanted & caps.permitted;
	caps__set(&caps);
}
