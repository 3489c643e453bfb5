/* SPDX-License-Identifier: MIT */
/* The objects of a store as the host sees them: memories, tables, globals, tags. */
#ifndef PW_OBJECTS_H
#define PW_OBJECTS_H

#include "base/error.h"
#include "decode/module.h"

/* cdef: begin */

typedef struct pw_store pw_store;
typedef struct pw_instance pw_instance;
typedef struct pw_func pw_func;
typedef struct pw_memory pw_memory;
typedef struct pw_table pw_table;
typedef struct pw_global pw_global;
typedef struct pw_tag pw_tag;

/* The identity of a function type of a module: within a store, equal types have the same identity,
 * whichever modules they come from. It is a pointer that is compared and never read. NULL when
 * there is no memory, or when this version cannot run the type. The call is cheap as long as it
 * asks for one module after the other. */
const void *pw_store_type(pw_store *store, pw_module *module, uint32_t type);

/* References are 64 bits: 0 is null; a function is its pw_func; anything else that is external is
 * bits that the embedder chose. */

/* ---- memories -------------------------------------------------------------------------------- */

/* A memory of the host, of limits.min pages in reserved address space: one reference, owned by
 * caller. NULL without memory, or when the store does not allow its size. Instances of other stores
 * cannot use it. */
pw_memory *pw_memory_new(pw_store *store, const pw_limits *limits, pw_error *error);
pw_memory *pw_memory_retain(pw_memory *memory);
void pw_memory_release(pw_memory *memory);
uint8_t *pw_memory_data(const pw_memory *memory); /* never moves */
uint64_t pw_memory_size(const pw_memory *memory); /* bytes */
pw_limits pw_memory_limits(const pw_memory *memory);
/* Grows by delta pages. The size before in pages, or -1. */
int64_t pw_memory_grow(pw_memory *memory, uint64_t delta);

/* ---- tables, globals, tags ------------------------------------------------------------------- */

/* A table of the host, its elements all `init`. Borrowed from the store. NULL without memory, or
 * when the store does not allow its size. */
pw_table *pw_table_new(pw_store *store, pw_valtype type, const pw_limits *limits, uint64_t init,
                       pw_error *error);
uint32_t pw_table_size(const pw_table *table);
pw_valtype pw_table_type(const pw_table *table);
pw_limits pw_table_limits(const pw_table *table);
uint64_t pw_table_get(const pw_table *table, uint32_t index); /* in range, like the next */
void pw_table_set(pw_table *table, uint32_t index, uint64_t ref);
int64_t pw_table_grow(pw_table *table, uint32_t delta, uint64_t init); /* size before, or -1 */

/* A global of the host. Borrowed from the store; NULL without memory. */
pw_global *pw_global_new(pw_store *store, pw_valtype type, bool is_mutable, uint64_t bits);
pw_valtype pw_global_type(const pw_global *global);
bool pw_global_mutable(const pw_global *global);
uint64_t pw_global_get(const pw_global *global);
void pw_global_set(pw_global *global, uint64_t bits);

/* A tag of the host. The type has no results and no type indices. Borrowed from the store; NULL
 * with error set. */
pw_tag *pw_tag_new(pw_store *store, const pw_functype *type, pw_error *error);
/* Identity of its type, as pw_store_type has it. */
const void *pw_tag_type_identity(const pw_tag *tag);

/* cdef: end */

#endif
