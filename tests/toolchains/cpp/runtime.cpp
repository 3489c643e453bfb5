// SPDX-License-Identifier: MIT

// What programs that throw need of libc++abi and libc++, whose sources the package of the compiler
// contains, for the exceptions of WebAssembly. One file is compiled faster than the libraries.

#include <src/abort_message.cpp>
#include <src/cxa_aux_runtime.cpp>
#include <src/cxa_default_handlers.cpp>
#include <src/cxa_demangle.cpp>
#include <src/cxa_exception.cpp>
#include <src/cxa_exception_storage.cpp>
#include <src/cxa_handlers.cpp>
#include <src/cxa_personality.cpp>
#include <src/cxa_virtual.cpp>
#include <src/fallback_malloc.cpp>
#include <src/private_typeinfo.cpp>
#include <src/stdlib_exception.cpp>
#include <src/stdlib_new_delete.cpp>
#include <src/stdlib_stdexcept.cpp>
#include <src/stdlib_typeinfo.cpp>

#include <../libcxx/src/exception.cpp>
#include <../libcxx/src/stdexcept.cpp>
