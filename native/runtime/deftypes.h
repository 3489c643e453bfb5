/* SPDX-License-Identifier: MIT */
/* The defined types of a store: function, structure and array types. Within a store, equal types
 * are one pw_deftype, whichever modules they come from. */
#ifndef PW_DEFTYPES_H
#define PW_DEFTYPES_H

#include "runtime/store.h"

/* A *resolved* value type has the store's number of a defined type where a module has the type's
 * index, so that types of several modules can be compared. */

/* Where a field of a structure is in an object, or where the elements of an array begin. */
typedef struct {
    pw_valtype type; /* resolved, or PW_PACKED_* */
    uint32_t offset; /* bytes from the beginning of the object to the field, or to element 0 */
    uint8_t log2;    /* binary logarithm of the bytes that a value takes in the object */
    bool is_mutable;
} pw_field_layout;

struct pw_deftype {
    IM3FuncType m3; /* what wasm3 knows of the type, in the same block of memory */
    uint32_t id;    /* the type's number in the store; the types of a group follow each other */
    uint32_t group; /* the number of the group's first type */
    uint32_t group_size; /* how many types the group has */
    uint32_t super;      /* the number of the supertype, or PW_NO_INDEX */
    uint8_t kind;        /* pw_typekind */
    bool is_final;
    uint8_t depth;    /* how many supertypes are above the type */
    uint32_t cells;   /* of a function type: that the results and parameters take together */
    uint32_t nfields; /* fields of a structure; 1 for an array */
    uint32_t size;    /* bytes of an object without the elements of an array */
    uint32_t nreferences;
    uint32_t *references;         /* the offsets of the fields that contain references */
    pw_field_layout *fields;      /* in the order of the fields */
    pw_valtype *values;           /* resolved types: results, then parameters */
    const pw_deftype **ancestors; /* from the topmost supertype down to the type itself */
};

/* What every object of the heap begins with. The word is an even number other than 0, and in a free
 * cell it is 0 or odd: so a collection knows them apart. */
typedef struct {
    const pw_deftype *type; /* pw_exception_type for an exception */
} pw_heap_object;

typedef struct {
    pw_heap_object object;
    uint32_t length; /* how many elements there are */
} pw_array;

/* Bytes of an array before its elements. */
#define PW_ARRAY_HEADER 16

/* Finds or makes the store's copy of each type of a module. types[i] is the copy for type `i`,
 * borrowed from the store. PW_OK, PW_NO_MEMORY, PW_LIMIT when the limits of the store leave no room
 * for the types, or PW_TRAPPED with `error` set when the work must end; it does not end early if
 * `error` is NULL. */
pw_code pw_store_intern(pw_store *store, const pw_module *module, IM3FuncType *types,
                        pw_error *error);

/* Finds or makes the store's copy of one function type that refers to no other type. *result is
 * borrowed from the store. Fails with PW_NO_MEMORY or PW_LIMIT, and *result is then NULL. */
pw_code pw_store_intern_one(pw_store *store, const pw_functype *type, IM3FuncType *result);

/* What the store knows of a type that wasm3 knows. */
const pw_deftype *pw_deftype_of(const M3FuncType *type);

/* The defined type that a reference type refers to, or NULL if it is an abstract one. The reference
 * type is resolved, or belongs to the instance's module. */
const pw_deftype *pw_referred_type(const pw_store *store, pw_valtype resolved);
const pw_deftype *pw_instance_type(const pw_instance *instance, uint32_t index);

/* Resolves a type of the instance's module. */
pw_valtype pw_resolve_type(const pw_instance *instance, pw_valtype type);

/* How many cells the results and parameters of a function take together; the same by its type. */
uint32_t pw_type_cells(IM3FuncType type);
uint32_t pw_function_cells(const M3Function *function);

/* The resolved types of the parameters, borrowed from the type. */
const pw_valtype *pw_type_params(IM3FuncType type, uint32_t *count);

/* The resolved type of a reference to a function. */
pw_valtype pw_function_type(const M3Function *function);

/* The resolved type of a global or table that the host made, as long as its type has an index:
 * only the first module that imports it can say which type the index means. */
#define PW_UNRESOLVED 0

/* The resolved type of a global or table that the host makes. */
static inline pw_valtype pw_host_type(pw_valtype type)
{
    return type & PW_CONCRETE ? PW_UNRESOLVED : type;
}

/* Whether a defined type is a subtype of another one, or the same. */
static inline bool pw_is_subtype(const pw_deftype *actual, const pw_deftype *expected)
{
    return actual == expected ||
           (actual->depth > expected->depth && actual->ancestors[expected->depth] == expected);
}

/* Whether a resolved type is a subtype of another one. */
bool pw_type_matches(const pw_store *store, pw_valtype actual, pw_valtype expected);

/* The nullable reference type at the top of the hierarchy that a resolved type belongs to. */
pw_valtype pw_resolved_top(const pw_store *store, pw_valtype resolved);

/* Frees what pw_store_type remembers of the module that it was last asked about. */
void pw_store_end_linking(pw_store *store);
/* Frees it, too, but only if it borrows these types of an instance that is about to be freed. */
void pw_store_forget_types(pw_store *store, IM3FuncType *types);

#endif
