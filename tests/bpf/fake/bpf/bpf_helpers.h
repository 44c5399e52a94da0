/* SPDX-License-Identifier: GPL-2.0 */
/* Shadows libbpf's header of this name where the BPF C is compiled for the host. */
#ifndef FAKE_BPF_HELPERS_H
#define FAKE_BPF_HELPERS_H

#include "../../fake_bpf.h"

#endif
