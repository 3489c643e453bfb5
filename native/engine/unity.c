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

/* ---- code pages: replaced so that each carries the map from its code to module offsets ---- */

#define NewCodePage stock_NewCodePage
#include "m3_code.c"
#undef NewCodePage
#include "engine/compile/code_map.inc"
#define NewCodePage(LINES) new_code_page(LINES)

/* ---- operations ---- */

/* wasm3 expands these where `_mem` and `_pc` are in scope. */
#define PushBacktraceFrame(RUNTIME, PC) begin_trap(_mem, PC)
#define FillBacktraceFunctionInfo(RUNTIME, FUNCTION) ((void)0)
#include "engine/run/record.inc"
#include "engine/ops/rounding.inc"
#undef d_m3RecordBacktraces
#define d_m3RecordBacktraces 1
#include "m3_exec.h"
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

/* ---- compiler ---- */

#undef d_m3RecordBacktraces
#define d_m3RecordBacktraces 1
#define EmitMappingEntry(PAGE, OFFSET) map_operation(o, i_operation == op_pwLook)
#include "m3_emit.c"
#undef EmitMappingEntry
#undef d_m3RecordBacktraces
#define d_m3RecordBacktraces 0

/* Ours by their stock names: what calls them comes first. */
static M3Result FindReferencedLocalWithinCurrentBlock(IM3Compilation o, u16 *preserved, u32 local);
static M3Result PreserveArgsAndLocals(IM3Compilation o);
static M3Result ResolveBlockResults(IM3Compilation o, IM3CompilationScope target, bool is_branch);
static M3Result CompileCallArgsAndReturn(IM3Compilation o, u16 *frame, IM3FuncType type,
                                         bool is_indirect);
static M3Result CompileElseBlock(IM3Compilation o, pc_t *start, IM3FuncType type);
static M3Result AllocateSlots(IM3Compilation o, u16 *slot, u8 type);
static void DeallocateSlot(IM3Compilation o, i16 slot, u8 type);
static M3Result GetBlockScope(IM3Compilation o, IM3CompilationScope *scope, i32 distance);
static M3Result ReadBlockType(IM3Compilation o, IM3FuncType *type);
static M3Result CompileLocals(IM3Compilation o);

#include "engine/compile/replace.inc"
#include "m3_compile.c"
#include "engine/compile/replaced.inc"

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

/* wasm3's evaluation of constant expressions runs code without a memory header. The front-end does
 * that work, so it is not called; Call would read the header. */
#define Call(...) stock_call()
#define AcquireCodePageWithCapacity(...) stock_AcquireCodePageWithCapacity(__VA_ARGS__)
static inline m3ret_t stock_call(void)
{
    return m3Err_noCompiler;
}
#include "m3_env.c"
#undef AcquireCodePageWithCapacity
#undef Call
static_assert(sizeof(&stock_AcquireCodePageWithCapacity), "replaced in code_map.h");
#include "m3_exec.c"

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
