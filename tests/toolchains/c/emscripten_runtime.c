// SPDX-License-Identifier: MIT

// The part of Emscripten's older way to throw and to jump that a guest contains. The compiler turns
// calls that may throw, or be left by longjmp, into calls of invoke_*, which are imports. The code
// behind such a call reads __THREW__ and __threwValue. pywasm3.guests.emscripten has the host's
// part.

#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(name)))

// 0: the call returned. 1, with the value 0: an exception passed. Otherwise longjmp was called; these
// are the address of its jmp_buf, and its value, which is not 0.
uintptr_t __THREW__;
int __threwValue;

static uint32_t temp_ret0;

// What the first 8 bytes of a jmp_buf are used for. The label says which call of setjmp it was in
// the function; 0 is none.
struct target {
    const void *invocation;
    uint32_t label;
};

_Noreturn __attribute__((import_module("env"), import_name("_emscripten_throw_longjmp"))) void
throw_longjmp(void);

// Keeps the first of two, because the second exception comes out of frames that the first one ends.
EXPORT("setThrew") void setThrew(uintptr_t threw, int value)
{
    if (__THREW__ == 0) {
        __THREW__ = threw;
        __threwValue = value;
    }
}

// The second result of some functions.
EXPORT("setTempRet0") void setTempRet0(uint32_t value)
{
    temp_ret0 = value;
}

uint32_t getTempRet0(void)
{
    return temp_ret0;
}

_Noreturn void emscripten_longjmp(uintptr_t buffer, int value)
{
    setThrew(buffer, value != 0 ? value : 1);
    throw_longjmp();
}

// The invocation is an address in the frame of the function that called setjmp.
void __wasm_setjmp(struct target *buffer, uint32_t label, const void *invocation)
{
    buffer->invocation = invocation;
    buffer->label = label;
}

// Returns the label if this invocation has called setjmp with the buffer, and otherwise 0.
uint32_t __wasm_setjmp_test(const struct target *buffer, const void *invocation)
{
    return buffer->invocation == invocation ? buffer->label : 0;
}
