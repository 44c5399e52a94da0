/* SPDX-License-Identifier: GPL-2.0 */
/* What bpf/faults.bpf.c and the daemon share. */
#ifndef BPFPROF_FAULTS_H
#define BPFPROF_FAULTS_H

/* The tag of a sample's key. */
enum fault_tag {
	FAULT_MINOR = 0, /* resolved without input and output */
	FAULT_MAJOR,     /* read in first: a file's page, or one that was swapped out */
};

struct faults_options {
	__u32 page_bytes;
	__u32 huge_order; /* a transparent huge page is 2^huge_order pages; 0: there are none */
};

#endif
