/* SPDX-License-Identifier: MIT */
/* The engine compiles functions and runs them, for native/embed. */
#ifndef PW_ENGINE_H
#define PW_ENGINE_H

#include "engine/callee.h"
#include "runtime/store.h"

/* Compiles a function of a module, and returns NULL. If that fails, returns a trap whose backtrace
 * contains the function alone, and writes the reason into the store's message. */
M3Result pw_compile(M3Function *function);
/* Compiles all functions of an instance that is not in use yet. If one fails, `index` is its index
 * and the store's message says why. */
pw_trap pw_compile_all(pw_instance *instance, uint32_t *index);

/* Frees what the code of an instance needs to catch exceptions. */
void pw_free_handlers(pw_instance *instance);

/* The next two write the code of an imported function, PW_THUNK_WORDS words. */
void pw_thunk_host(code_t *thunk, const M3Function *function, void *object);
/* The import is a function of another instance of the same store. */
void pw_thunk_link(code_t *thunk, M3Function *target);
/* Runs a compiled function with the memory of its instance, and returns the trap or NULL. Room for
 * the results is at sp, followed by the arguments, each of 64 bits. */
static inline m3ret_t pw_run(const M3Function *function, uint64_t *sp, M3MemoryHeader *mem)
{
    pc_t pc = function->compiled;
    return ((IM3Operation)*pc)(pc + 1, (m3stack_t)(void *)sp, mem, d_m3OpDefaultArgs);
}

/* Does what pw_api.call_map promises, with a compiled function whose values fit the stack. */
m3ret_t pw_run_map(const pw_callee *callee, pw_map_job *job);
/* The kind of a trap that running code or pw_compile has returned. */
pw_trap pw_classify(m3ret_t trap);
/* The offset in the module of the instruction that the operation around `pc` comes from, or
 * PW_NO_INDEX. */
uint32_t pw_code_offset(const M3Runtime *runtime, pc_t pc);
/* cdef: begin */

/* Lets functions that are compiled from now on use only those vector instructions that every
 * processor of this architecture has, or all that this one has. The results are the same, but for
 * the bits of NaNs which the specification leaves open. */
void pw_use_baseline_vectors(bool baseline);

/* cdef: end */

/* Prepares the compiler, and sets the functions that running code calls, for all stores. Must run
 * before anything is compiled. */
void pw_prepare_engine(pw_host_hook on_host_call, pw_tick_hook on_tick, pw_catch_hook on_catch);

#endif
