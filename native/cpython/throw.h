/* SPDX-License-Identifier: MIT */
/* Exceptions of host functions on their way into wasm. */
#ifndef PW_CPYTHON_THROW_H
#define PW_CPYTHON_THROW_H

#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/traps.h"
#include "cpython/store.h"

/* Throws the exception that a host function has raised into the code that called it, if the code
 * may catch such an exception. The exception stays set until the code does. Returns what the host
 * hook has to return: PW_TRAP_EXCEPTION or PW_TRAP_HOST. */
pw_trap pw_throw(pw_store_object *store);
/* The engine's catch hook (runtime/meter.h), for the store that runs. */
pw_trap pw_catch(void *store_object, bool keep, uint64_t *reference);

#endif
