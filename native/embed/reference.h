/* SPDX-License-Identifier: MIT */
/* What the host can do with structures and arrays, and with the references to them. All functions
 * need a store that is entered. */
#ifndef PW_REFERENCE_H
#define PW_REFERENCE_H

#include "runtime/handles.h"

/* cdef: begin */

/* The number of a type of a module. PW_NO_INDEX when the limits of the store or the system leave no
 * memory. */
uint32_t pw_type_number(pw_store *store, pw_module *module, uint32_t type);
/* Describes the type with a number, which must exist. Types in the description are numbers, too. */
pw_definition pw_type_definition(const pw_store *store, uint32_t number);
/* Describes one of its fields. The index must be below nfields. */
pw_field pw_type_field(const pw_store *store, uint32_t number, uint32_t index);
/* Finds a module of the store that defines the type. *module is borrowed from the store, and *index
 * is the index of the type there. False if there is none any more. */
bool pw_type_origin(const pw_store *store, uint32_t number, pw_module **module, uint32_t *index);

/* Whether something may be given for an import of a module. The first asks for a function type by
 * its index, the others for the type of the value or of the elements; `both_ways` says that it must
 * be the same type, because the module can write values, too. */
bool pw_func_fits(pw_store *store, const pw_func *func, pw_module *module, uint32_t type);
bool pw_global_fits(pw_store *store, const pw_global *global, pw_module *module, pw_valtype type,
                    bool both_ways);
bool pw_table_fits(pw_store *store, const pw_table *table, pw_module *module, pw_valtype type,
                   bool both_ways);

/* The number of the type of an object that is held. */
uint32_t pw_held_type(const pw_store *store, uint32_t handle);
/* The number of elements of an array. */
uint32_t pw_held_length(const pw_store *store, uint32_t handle);
/* Reads or writes a field, or an element, which must exist. A value has pw_cells of its type, and a
 * packed one a cell, of which the low bits count. */
void pw_held_get(const pw_store *store, uint32_t handle, uint32_t index, uint64_t *cells);
void pw_held_set(const pw_store *store, uint32_t handle, uint32_t index, const uint64_t *cells);
/* Where the elements of an array begin. Each has the bytes of its type, in the order of the
 * machine. The address is valid until the store is left. */
uint8_t *pw_held_elements(const pw_store *store, uint32_t handle);

/* Makes a structure or an array of default values, and holds it. False when the limits of the store
 * or the system leave no memory. */
bool pw_struct_make(pw_store *store, uint32_t type, uint32_t *handle);
bool pw_array_make(pw_store *store, uint32_t type, uint32_t length, uint32_t *handle);

/* Frees the objects that no reference is left to. */
void pw_store_collect_heap(pw_store *store);
/* Frees what the last collection found, which is otherwise freed little by little. */
void pw_store_sweep_heap(pw_store *store);
/* Bytes that structures, arrays and exceptions take, those included that wait to be freed. */
uint64_t pw_store_heap_bytes(const pw_store *store);

/* Whether a reference is one of a type: a resolved one, or one of a module if that is given. `host`
 * says that it is to an object of the host if it is neither null nor an i31 nor an object of the
 * heap; otherwise it is to a function. */
bool pw_reference_matches(pw_store *store, uint64_t ref, bool host, pw_valtype type,
                          pw_module *module);

/* cdef: end */

#endif
