// SPDX-License-Identifier: GPL-2.0
/* A shared object that burns; dlopen'ed by host.c. */
#include "burn.h"

BURN_ROUNDS(plugin_burn)
