/* SPDX-License-Identifier: MIT */
/* Configures wasm3's headers and includes them. Every file that needs wasm3's structures includes
 * this file, so that all of them see the same layout. */
#ifndef PW_WASM3_CONFIG_H
#define PW_WASM3_CONFIG_H

/* How many values one function may hold at a time: its parameters, locals and operands, and one
 * more for each parameter and result of its open blocks. It is the largest number for which the
 * slots below are few enough. The 10000 operands that array.new_fixed can have in other engines
 * (V8's limit) fit, beside all locals that have slots. */
#define d_m3MaxFunctionStackHeight 13312
/* How many slots of 4 bytes a frame has. The values above need 26624 slots, 1000 results of the
 * function 2000, the constants 120. The 1000 arguments and results of a call need 2000, and as many
 * again while they are moved there. The sum is 32744. The number must be below 32768, because
 * DeallocateSlot takes a signed 16-bit number. */
#define d_m3MaxFunctionSlots 32744
/* The parameters (at most 1000) and locals that fit into this many cells of 64 bits have slots. The
 * others are spilled locals, which live on the spill stack (engine/compile/locals.inc). At least
 * 10312 of the values are left for operands and blocks. wasm3's M3Function.numLocalBytes, of 16
 * bits, can take 8191. */
#define PW_SLOT_LOCAL_CELLS 3000
#define d_m3MaxConstantTableSize 120
#define d_m3MaxDuplicateFunctionImpl 1
#define d_m3MaxLinearMemoryPages 65536
#define d_m3CodePageAlignSize 4096
#define d_m3Use32BitSlots 1
#define d_m3VerboseErrorMessages 1
#define d_m3EnableStrace 0
/* wasm3's structures are compiled without backtraces. engine/unity.c turns the setting on around
 * the pieces of wasm3 whose backtrace hooks it replaces with ours. */
#define d_m3RecordBacktraces 0

/* Operations call each other in tail position. On Windows for x86-64, the usual convention passes
 * the fifth argument, `_fp0`, on the stack, where no compiler changes it for a tail call: each such
 * call would take stack. This convention passes it in a register. wasm3 chooses it by itself only
 * if the build defines WIN32, which the compilers do not. */
#if defined(_WIN32) && defined(__x86_64__)
#include "m3_config.h"
#undef vectorcall
#define vectorcall __attribute__((vectorcall))
#endif

/* wasm3 has the state of its compiler, 72 KiB, in every runtime. It is needed only while a function
 * is compiled, so engine/compile/compiler.inc keeps it elsewhere, and a runtime has only a pointer
 * in its place, which nothing uses. */
#include "m3_compile.h"
#define M3Compilation IM3Compilation
#include "m3_env.h"
#undef M3Compilation

#endif
