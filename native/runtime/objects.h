/* SPDX-License-Identifier: MIT */
/* The objects of a store as the host sees them: memories, tables, globals and tags. */
#ifndef PW_OBJECTS_H
#define PW_OBJECTS_H

#include "base/error.h"
#include "decode/module.h"

/* cdef: begin */

typedef struct pw_store pw_store;
typedef struct pw_instance pw_instance;
typedef struct pw_func pw_func;
typedef struct pw_memory pw_memory;
typedef struct pw_mapping pw_mapping; /* of a shared memory: see shared.h */
typedef struct pw_table pw_table;
typedef struct pw_global pw_global;
typedef struct pw_tag pw_tag;
typedef struct pw_exception pw_exception;
typedef struct pw_object pw_object; /* an instance, a table, a global or a tag */

/* A reference is 64 bits. Null is 0, a reference to a function is the address of its pw_func, and
 * one to an object of the host is a number that the embedder chose, a multiple of 8. Others are
 * described in references.h. */

/* The identity of a function type of a module: within a store, equal types have the same identity,
 * whichever modules they come from. It is a pointer that is compared and never read. NULL when
 * the limits of the store or the system leave no memory.
 * A call that asks for another module than the call before it costs as much as the module has types
 * and the store has instances; the other calls are cheap. */
const void *pw_store_type(pw_store *store, pw_module *module, uint32_t type);

/* ---- memories -------------------------------------------------------------------------------- */

/* Makes a memory of limits.min pages for the host, with address space reserved for its maximum. It
 * has one reference, which is owned by the caller. Only instances of this store can use it, unless
 * it is shared. NULL
 * with `error` set when the store does not allow the size, or when there is no memory. */
pw_memory *pw_memory_new(pw_store *store, const pw_limits *limits, pw_error *error);
/* Whether several stores can use the memory. All functions on it may then be called by any thread.
 */
bool pw_memory_is_shared(const pw_memory *memory);
/* The identity of the bytes: two memories with the same one share them. It is a pointer that is
 * compared and never read. */
const void *pw_memory_identity(const pw_memory *memory);
/* Adds one reference, which is owned by the caller. The result is the same pointer. */
pw_memory *pw_memory_retain(pw_memory *memory);
/* Gives up one reference, and frees the memory when it was the last one. */
void pw_memory_release(pw_memory *memory);
/* The first byte, borrowed from the memory. It never moves. */
uint8_t *pw_memory_data(const pw_memory *memory);
/* The size in bytes. */
uint64_t pw_memory_size(const pw_memory *memory);
/* The limits that the memory was made with, but with its present size in pages as the minimum. */
pw_limits pw_memory_limits(const pw_memory *memory);
/* Grows the memory by `delta` pages. The result is its size before, in pages; or -1, and nothing
 * has changed, when it cannot grow that much. */
int64_t pw_memory_grow(pw_memory *memory, uint64_t delta);

/* ---- tables, globals, tags ------------------------------------------------------------------- */

/* A new table, global or tag is freed by the next collection of its store, unless the embedder
 * holds it or an instance that lives has it: see embed/collect.h. */

/* Makes a table of limits.min elements, all of which are `init`. NULL with `error` set when the
 * store does not allow the size, or when there is no memory. */
pw_table *pw_table_new(pw_store *store, pw_valtype type, const pw_limits *limits, uint64_t init,
                       pw_error *error);
/* The number of elements. */
uint32_t pw_table_size(const pw_table *table);
/* The type of the elements. */
pw_valtype pw_table_type(const pw_table *table);
/* The limits that the table was made with, but with its present size as the minimum. */
pw_limits pw_table_limits(const pw_table *table);
/* Reads an element. The index must be below the size. */
uint64_t pw_table_get(const pw_table *table, uint32_t index);
/* Writes an element. The index must be below the size, and `ref` must be of the elements' type. */
void pw_table_set(pw_table *table, uint32_t index, uint64_t ref);
/* Grows the table by `delta` elements, which are `init`. The result is its size before; or -1, and
 * nothing has changed, when it cannot grow that much. */
int64_t pw_table_grow(pw_table *table, uint64_t delta, uint64_t init);

/* Makes a global, whose value has pw_cells(type) cells. NULL when there is no memory. */
pw_global *pw_global_new(pw_store *store, pw_valtype type, bool is_mutable, const uint64_t *cells);
pw_valtype pw_global_type(const pw_global *global);
bool pw_global_mutable(const pw_global *global);
/* Reads or writes the value, which has pw_cells of its type; a 32-bit value is in the low half of
 * its cell. */
void pw_global_get(const pw_global *global, uint64_t *cells);
void pw_global_set(pw_global *global, const uint64_t *cells);

/* Makes a tag. The type may have neither results nor type indices. NULL with `error` set. */
pw_tag *pw_tag_new(pw_store *store, const pw_functype *type, pw_error *error);
/* The identity of the tag's type, as pw_store_type gives it. */
const void *pw_tag_type_identity(const pw_tag *tag);

/* Is called with the bits of a reference to an object of the host. */
typedef void (*pw_extern_visitor)(void *arg, uint64_t bits);

/* cdef: end */

#endif
