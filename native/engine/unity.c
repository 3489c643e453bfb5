/* SPDX-License-Identifier: MIT */
/* The engine: wasm3, whose text stays as it is, in one translation unit with the code of ours that
 * replaces parts of it. README.md in this folder explains the technique, and overrides.def lists
 * what is replaced. wasm3's parser and loader are not included: native/embed/instance.c builds
 * their structures from the module that native/decode has read.
 */
#if defined(__GNUC__) || defined(__clang__)
/* wasm3's text causes these warnings. */
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
/* The state of wasm3's compiler consists of u16, and the sum of two u16 is an int. The limits in
 * base/wasm3_config.h keep these numbers small. */
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wfloat-conversion"
#endif

/* wasm3 defines its error texts in the file that sets this before the first include of wasm3.h. */
#define M3_IMPLEMENT_ERROR_STRINGS
#include "base/opcodes.h"
#include "base/platform.h"
#include "base/zeroed.h"
#include "decode/listing.h"
#include "engine/engine.h"
#include "runtime/aggregate.h"
#include "runtime/collection.h"
#include "runtime/deftypes.h"
#include "runtime/exception.h"
#include "runtime/memory.h"
#include "runtime/segments.h"
#include "runtime/store.h"
#include "runtime/table.h"

/* ---- wasm3's base -------------------------------------------------------------------------- */

#define calloc(COUNT, SIZE) pw_zeroed(COUNT, SIZE)
#include "m3_core.c"
#undef calloc
#include "m3_function.c"
#include "m3_module.c"

/* ---- code pages ------------------------------------------------------------------------------ */

/* From here on, a call of a function in overrides.def is a call of ours. */
#include "engine/compile/override.inc"

/* wasm3's code pages, and ours, which also map code to offsets in the module. */
#include "m3_code.c"
#include "engine/compile/code_map.inc"

/* ---- operations ------------------------------------------------------------------------------ */

/* The functions that wasm3's operations call when they trap are defined before them: the macros
 * below stand where
 * `_mem` and `_pc` are in scope. */
#define PushBacktraceFrame(RUNTIME, PC) begin_trap(_mem, PC)
#define FillBacktraceFunctionInfo(RUNTIME, FUNCTION) ((void)0)
#include "engine/run/traps.inc"
#include "engine/run/backtrace.inc"
#include "engine/run/metering.inc"

/* wasm3's operations, and ours on globals: first as they are, then once more with a register for
 * f32. */
#include "engine/ops/rounding.inc"
#undef d_m3RecordBacktraces
#define d_m3RecordBacktraces 1
#include "m3_exec.h"
#include "engine/ops/global.inc"
#define OVERRIDE_OPERATION(NAME, FILE, WHY) sizeof(&op_##NAME) +
/* The build fails here if a later wasm3 has no operation of a name in overrides.def. */
enum {
    EVERY_OPERATION_EXISTED =
#include "engine/overrides.def"
        0
};
#include "engine/ops/f32.inc"
#undef d_m3RecordBacktraces
#define d_m3RecordBacktraces 0

/* Our operations, and the loops that they share. */
#include "engine/run/exception.inc"
#include "engine/ops/exception.inc"
#include "engine/ops/call.inc"
#include "engine/ops/tail.inc"
#include "engine/ops/far.inc"
#include "engine/ops/vector.inc"
#include "engine/ops/spill.inc"
#include "engine/run/bulk.inc"
#include "engine/ops/memory.inc"
#include "engine/run/waiting.inc"
#include "engine/ops/atomic.inc"
#include "engine/ops/table.inc"
#include "engine/ops/reference.inc"
#include "engine/ops/aggregate.inc"
#include "engine/ops/cast.inc"
#include "engine/run/map.inc"
#include "engine/ops/fused.inc"

/* From here on, wasm3's compiler emits these operations of ours. */
#define op_Entry op_pwEntry
#define op_Call op_pwCall
#define op_Compile op_pwCompile

/* ---- compiler -------------------------------------------------------------------------------- */

/* wasm3's compiler. The macro stands in its function EmitOp, where `o` and `i_operation` are in
 * scope. */
#undef d_m3RecordBacktraces
#define d_m3RecordBacktraces 1
#define EmitMappingEntry(PAGE, OFFSET) map_operation(o, i_operation == op_pwCheckpoint)
/* This member of a runtime is a pointer: see base/wasm3_config.h. What uses it does not run. */
#define compilation compilation[0]
#include "m3_emit.c"
#undef EmitMappingEntry
#undef d_m3RecordBacktraces
#define d_m3RecordBacktraces 0
#include "m3_compile.c"
#undef compilation

/* The pieces that our compilers of single instructions share: slots, types, moves of values,
 * immediates. */
#include "engine/compile/state.inc"
#include "engine/compile/fuse.inc"
#include "engine/compile/types.inc"
#include "engine/compile/moves.inc"
#include "engine/compile/preserve.inc"
#include "engine/compile/operation.inc"

/* Our compilers of single instructions. */
#include "engine/compile/memory.inc"
#include "engine/compile/vector.inc"
#include "engine/compile/locals.inc"
#include "engine/compile/global.inc"
#include "engine/compile/table.inc"
#include "engine/compile/branch.inc"
#include "engine/compile/reference.inc"
#include "engine/compile/aggregate.inc"
#include "engine/compile/exception.inc"
#include "engine/compile/call.inc"
#include "engine/compile/tail.inc"
#include "engine/compile/block.inc"

/* From single instructions to whole functions. */
#include "engine/compile/instructions.inc"
#include "engine/compile/compiler.inc"
#include "engine/compile/function.inc"

/* ---- wasm3's environments -------------------------------------------------------------------- */

/* m3_env.c could run code without our header of the memory, to evaluate constant expressions for
 * example. Nothing calls these functions; native/runtime and pw_run do their work. */
#define Call(...) stock_call()
static inline m3ret_t stock_call(void)
{
    return m3Err_noCompiler;
}
#define compilation compilation[0]
#include "m3_env.c"
#undef compilation
#undef Call
#include "m3_exec.c"

/* ---- the beginning --------------------------------------------------------------------------- */

void pw_prepare_engine(pw_host_hook on_host_call, pw_tick_hook on_tick, pw_catch_hook on_catch)
{
    host_hook = on_host_call;
    tick_hook = on_tick;
    catch_hook = on_catch;
    pw_set_room_hook(make_room);
    prepare_fusing();
}

/* ---- what must hold -------------------------------------------------------------------------- */

/* The build fails here if a later wasm3 has no function of a name in overrides.def. */
#define OVERRIDE_FUNCTION(RESULT, NAME, PARAMETERS, FILE, WHY) sizeof(&stock_##NAME) +
enum {
    EVERY_FUNCTION_EXISTED =
#include "engine/overrides.def"
        0
};

static_assert(PW_MAX_FRAME >= d_m3MaxFunctionSlots * sizeof(m3slot_t) +
                                  PW_MAX_PARAMS_AND_RESULTS * PW_MAX_CELLS * sizeof(uint64_t),
              "room for any frame");
static_assert(d_m3MaxFunctionSlots >= 2 * d_m3MaxFunctionStackHeight, "wasm3's own assumption");
