/* SPDX-License-Identifier: MIT */
/* How wasm3 is configured, for every file that includes its headers: they must all see the same. */
#ifndef PW_CONFIG_H
#define PW_CONFIG_H

/* Values and block records one function may hold: the largest that wasm3's 16-bit fields can take,
 * 65535 bytes of locals being 8191 of 8 bytes. */
#define d_m3MaxFunctionStackHeight 8000
#define d_m3MaxFunctionSlots 20480
#define d_m3MaxConstantTableSize 120
#define d_m3MaxDuplicateFunctionImpl 1
#define d_m3MaxLinearMemoryPages 65536
#define d_m3CodePageAlignSize 4096
#define d_m3Use32BitSlots 1
#define d_m3VerboseErrorMessages 1
#define d_m3EnableStrace 0
/* Off in wasm3's structures; engine.c turns the hooks on where they become ours. */
#define d_m3RecordBacktraces 0

#endif
