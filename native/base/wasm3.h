/* SPDX-License-Identifier: MIT */
/* wasm3's headers and how they are configured. Every file that needs wasm3's structures includes
 * this one, so that all of them see the same layout. */
#ifndef PW_WASM3_H
#define PW_WASM3_H

/* Values one function may hold at a time: parameters, locals, operands, and the records of open
 * blocks, one for each of their parameters and results. wasm3's 16-bit fields can take 8191. */
#define d_m3MaxFunctionStackHeight 8000
/* Slots of 4 bytes for all of them: 16000; for 1000 results of the function: 2000; for constants:
 * 120; for 1000 arguments and results of a call: 2000, and on their way there as many again. Below
 * 32768, since DeallocateSlot takes 16 bits and a sign. */
#define d_m3MaxFunctionSlots 22528
/* Parameters (at most 1000) and locals beyond these are spilled locals: engine/compile/locals.inc.
 * The other half is for operands and blocks. */
#define PW_SLOT_LOCALS 4000
#define d_m3MaxConstantTableSize 120
#define d_m3MaxDuplicateFunctionImpl 1
#define d_m3MaxLinearMemoryPages 65536
#define d_m3CodePageAlignSize 4096
#define d_m3Use32BitSlots 1
#define d_m3VerboseErrorMessages 1
#define d_m3EnableStrace 0
/* Off in wasm3's structures; engine/unity.c turns the hooks on where they become ours. */
#define d_m3RecordBacktraces 0

#include "m3_env.h"

#endif
