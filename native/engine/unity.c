/* SPDX-License-Identifier: MIT */
/* wasm3, unmodified, as one translation unit with our overrides.
 *
 * How an override works: the preprocessor renames what the sources define, or what they call,
 * before they are included. Operations are replaced after m3_exec.h has defined the originals, so
 * that the compiler's tables pick up ours. wasm3's parser and loader stay out: the bridge builds
 * their structures from our own front-end's.
 */
#if defined(__GNUC__) || defined(__clang__)
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
/* The compiler's state is made of u16, whose sums are ints; its limits keep them small. */
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wfloat-conversion"
#endif

#define M3_IMPLEMENT_ERROR_STRINGS /* here, and before the first include of wasm3.h */
#include "base/opcodes.h"
#include "base/platform.h"
#include "decode/listing.h"
#include "engine/engine.h"
#include "runtime/memory.h"
#include "runtime/segments.h"
#include "runtime/store.h"
#include "runtime/table.h"

#include "m3_core.c"
#include "m3_function.c"
#include "m3_module.c"

/* From here on, the functions of overrides.def are ours to whatever calls them. */
#include "engine/compile/override.inc"
#include "m3_code.c"
#include "engine/compile/code_map.inc"

/* ---- operations: wasm3's, then ours ---- */

/* wasm3's operations have these two at each trap, where `_mem` and `_pc` are in scope. */
#define PushBacktraceFrame(RUNTIME, PC) begin_trap(_mem, PC)
#define FillBacktraceFunctionInfo(RUNTIME, FUNCTION) ((void)0)
#include "engine/run/record.inc"
#include "engine/ops/rounding.inc"
#undef d_m3RecordBacktraces
#define d_m3RecordBacktraces 1
#include "m3_exec.h"
#define OVERRIDE_OPERATION(NAME, FILE, WHY) sizeof(&op_##NAME) +
enum {
    EVERY_OPERATION_EXISTED =
#include "engine/overrides.def"
        0
};
#include "engine/ops/f32.inc"
#undef d_m3RecordBacktraces
#define d_m3RecordBacktraces 0

#include "engine/ops/call.inc"
#include "engine/run/bulk.inc"
#include "engine/run/map.inc"
#include "engine/ops/far.inc"
#include "engine/ops/memory.inc"
#include "engine/ops/table.inc"
#include "engine/ops/tail.inc"

#define op_Entry op_pwEntry
#define op_Call op_pwCall
#define op_Compile op_pwCompile

/* ---- compiler: wasm3's, then ours ---- */

/* The macro stands in wasm3's EmitOp, where `o` and `i_operation` are in scope. */
#undef d_m3RecordBacktraces
#define d_m3RecordBacktraces 1
#define EmitMappingEntry(PAGE, OFFSET) map_operation(o, i_operation == op_pwLook)
#include "m3_emit.c"
#undef EmitMappingEntry
#undef d_m3RecordBacktraces
#define d_m3RecordBacktraces 0

#include "m3_compile.c"

#include "engine/compile/state.inc"
#include "engine/compile/types.inc"
#include "engine/compile/moves.inc"
#include "engine/compile/locals.inc"
#include "engine/compile/branch.inc"
#include "engine/compile/call.inc"
#include "engine/compile/global.inc"
#include "engine/compile/table.inc"
#include "engine/compile/memory.inc"
#include "engine/compile/far.inc"
#include "engine/compile/tail.inc"
#include "engine/compile/block.inc"
#include "engine/compile/instructions.inc"
#include "engine/compile/function.inc"

/* m3_env.c could run code without our header of the memory, to evaluate constant expressions for
 * example. Nothing calls these functions: native/runtime and pw_run do their work. */
#define Call(...) stock_call()
static inline m3ret_t stock_call(void)
{
    return m3Err_noCompiler;
}
#include "m3_env.c"
#undef Call
#include "m3_exec.c"

/* Each function of overrides.def was there to be replaced: the build fails if a later wasm3 has no
 * function of this name. */
#define OVERRIDE_FUNCTION(RESULT, NAME, PARAMETERS, FILE, WHY) sizeof(&stock_##NAME) +
enum {
    EVERY_FUNCTION_EXISTED =
#include "engine/overrides.def"
        0
};

/* ---- what the bridge calls ---- */

static_assert(PW_MAX_FRAME >= d_m3MaxFunctionSlots * sizeof(m3slot_t) + 1000 * sizeof(uint64_t),
              "room for any frame");
static_assert(d_m3MaxFunctionSlots >= 2 * d_m3MaxFunctionStackHeight, "wasm3's own assumption");

void pw_thunk_host(code_t *thunk, const M3Function *function, void *object)
{
    thunk[0] = (code_t)op_pwHost;
    thunk[1] = (code_t)(uintptr_t)function;
    thunk[2] = object;
}

void pw_thunk_link(code_t *thunk, M3Function *target)
{
    thunk[0] = (code_t)op_pwLink;
    thunk[1] = target;
}

pw_trap pw_classify(m3ret_t trap)
{
    const struct {
        m3ret_t result;
        pw_trap trap;
    } known[] = {
        {NULL, PW_TRAP_NONE},
        {pw_trap_host, PW_TRAP_HOST},
        {m3Err_trapStackOverflow, PW_TRAP_STACK_EXHAUSTED},
        {m3Err_trapUnreachable, PW_TRAP_UNREACHABLE},
        {m3Err_trapOutOfBoundsMemoryAccess, PW_TRAP_MEMORY_OUT_OF_BOUNDS},
        {trap_table_bounds, PW_TRAP_TABLE_OUT_OF_BOUNDS},
        {trap_null_reference, PW_TRAP_NULL_REFERENCE},
        {m3Err_trapDivisionByZero, PW_TRAP_DIVIDE_BY_ZERO},
        {m3Err_trapIntegerOverflow, PW_TRAP_INTEGER_OVERFLOW},
        {m3Err_trapIntegerConversion, PW_TRAP_INVALID_CONVERSION},
        {m3Err_trapTableIndexOutOfRange, PW_TRAP_UNDEFINED_ELEMENT},
        {m3Err_trapTableElementIsNull, PW_TRAP_UNINITIALIZED_ELEMENT},
        {m3Err_trapIndirectCallTypeMismatch, PW_TRAP_INDIRECT_CALL_TYPE},
        {trap_null_function, PW_TRAP_NULL_FUNCTION_REFERENCE},
        {trap_fuel, PW_TRAP_OUT_OF_FUEL},
        {trap_interrupted, PW_TRAP_INTERRUPTED},
        {trap_deadline, PW_TRAP_DEADLINE},
        {trap_order, PW_TRAP_OUT_OF_ORDER},
        {m3Err_mallocFailed, PW_TRAP_NO_MEMORY},
        {m3Err_mallocFailedCodePage, PW_TRAP_NO_MEMORY},
    };
    for (size_t i = 0; i < M3_COUNT_OF(known); i++) {
        if (known[i].result == trap) {
            return known[i].trap;
        }
    }
    return PW_TRAP_UNSUPPORTED;
}
