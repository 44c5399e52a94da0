/* SPDX-License-Identifier: GPL-2.0 */
/* Takes a file that the build made in PAGE_DIR into the program. */
#ifndef OUTPUT_EMBED_H
#define OUTPUT_EMBED_H

/* symbol[] .. symbol_end[], and a NUL behind it. */
#define EMBED(symbol, file)                                                                        \
	__asm__(".pushsection .rodata\n"                                                           \
		".global " #symbol "\n"                                                            \
		".global " #symbol "_end\n" #symbol ":\n"                                          \
		".incbin \"" PAGE_DIR "/" file "\"\n" #symbol "_end:\n"                            \
		".byte 0\n"                                                                        \
		".popsection\n")

#endif
