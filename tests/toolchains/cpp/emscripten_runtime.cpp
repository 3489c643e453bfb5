// SPDX-License-Identifier: MIT

// What programs that throw in Emscripten's older way need of libc++abi and libc++, whose sources the
// package of the compiler contains, and the functions that the host calls. The functions that
// allocate, throw and catch are imports: pywasm3.guests.emscripten has them.

#include <src/abort_message.cpp>
#include <src/cxa_virtual.cpp>
#include <src/private_typeinfo.cpp>
#include <src/stdlib_exception.cpp>
#include <src/stdlib_new_delete.cpp>
#include <src/stdlib_stdexcept.cpp>
#include <src/stdlib_typeinfo.cpp>

#include <../libcxx/src/exception.cpp>
#include <../libcxx/src/stdexcept.cpp>

using __cxxabiv1::__shim_type_info;

// Says whether a handler for one type catches an exception of another. *object is the address of
// the exception, and becomes the address of what the handler gets: a base, or where a pointer points.
extern "C" __attribute__((export_name("__cxa_can_catch"))) bool
can_catch(const __shim_type_info *handler, const __shim_type_info *thrown, void **object)
{
    return handler->can_catch(thrown, *object);
}

// Returns what a handler gets of an exception: the address that can_catch() has found, which is null
// if a null pointer was thrown. The host keeps it in the header, 8 bytes before the exception.
extern "C" __attribute__((export_name("__cxa_get_exception_ptr"))) void *
get_exception_ptr(void *object)
{
    return static_cast<void **>(object)[-2];
}

[[noreturn]] void std::terminate() noexcept
{
    __builtin_trap();
}

std::new_handler std::get_new_handler() noexcept
{
    return nullptr;
}
