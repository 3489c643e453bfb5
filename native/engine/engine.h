/* SPDX-License-Identifier: MIT */
/* What the engine does for the floor above: compiles functions, and runs them. */
#ifndef PW_ENGINE_H
#define PW_ENGINE_H

#include "engine/callee.h"
#include "runtime/store.h"

/* What running code returns when a host function failed: no wasm3 error string. */
extern const char pw_trap_host[];

/* Compiles a function of the module. What fails is recorded as a trap in it, with a message. */
M3Result pw_compile(M3Function *function);
/* Compiles all functions of an instance that is not in use yet, up to the first that fails: the
 * store's message says why. */
pw_trap pw_compile_all(pw_instance *instance, uint32_t *index);

/* Writes the code of an import: a host function, or a function of another instance of the store. */
void pw_thunk_host(code_t *thunk, const M3Function *function, void *object);
void pw_thunk_link(code_t *thunk, M3Function *target);
/* Runs a compiled function on values at sp, with the memory of its instance. The trap, or NULL. */
static inline m3ret_t pw_run(const M3Function *function, uint64_t *sp, M3MemoryHeader *mem)
{
    pc_t pc = function->compiled;
    return ((IM3Operation)*pc)(pc + 1, (m3stack_t)(void *)sp, mem, d_m3OpDefaultArgs);
}

/* Calls a compiled function, whose values fit the stack, as pw_api.call_each has it. */
m3ret_t pw_run_each(const pw_callee *callee, pw_batch *batch);
pw_trap pw_classify(m3ret_t trap);
/* Byte offset in the module of the operation that holds pc, or PW_NO_INDEX. */
uint32_t pw_code_offset(const M3Runtime *runtime, pc_t pc);
void pw_set_engine_hooks(pw_host_hook host, pw_tick_hook tick);

#endif
