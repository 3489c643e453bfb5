/* SPDX-License-Identifier: MIT */
/* Value types, and the types of imports and exports. All layers and Python share them. */
#ifndef PW_VALUES_H
#define PW_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* cdef: begin (build_ffi.py hands the text up to "cdef: end" to cffi as it stands) */

/* Stands for "no function", "no offset" or "no type" where an index is expected. */
#define PW_NO_INDEX 0xffffffff

/* Bytes of a page of linear memory. */
#define PW_PAGE 65536

/* A value type. For numbers, v128 and nullable references to an abstract heap type, it is the byte
 * of the binary format. Every other reference type has the bit PW_TYPED_REF, the bit PW_NON_NULL if
 * it excludes null, and the bit PW_CONCRETE if its heap type is a defined type. The low bits
 * (PW_HEAP_MASK) then hold the canonical index of that defined type, or else the byte of the
 * abstract heap type. Two types of a module are equal exactly when these numbers are equal. */
typedef uint32_t pw_valtype;
#define PW_I32 0x7f
#define PW_I64 0x7e
#define PW_F32 0x7d
#define PW_F64 0x7c
#define PW_V128 0x7b
#define PW_NULLEXNREF 0x74
#define PW_NULLFUNCREF 0x73
#define PW_NULLEXTERNREF 0x72
#define PW_NULLREF 0x71
#define PW_FUNCREF 0x70
#define PW_EXTERNREF 0x6f
#define PW_ANYREF 0x6e
#define PW_EQREF 0x6d
#define PW_I31REF 0x6c
#define PW_STRUCTREF 0x6b
#define PW_ARRAYREF 0x6a
#define PW_EXNREF 0x69
#define PW_TYPED_REF 0x80000000
#define PW_NON_NULL 0x40000000
#define PW_CONCRETE 0x20000000
#define PW_HEAP_MASK 0x1fffffff

/* A name from a module, borrowed from the module's bytes. */
typedef struct {
    const char *data; /* UTF-8, may contain NUL, not terminated */
    uint32_t size;    /* bytes */
} pw_name;

/* A function type. The arrays are borrowed. */
typedef struct {
    uint32_t nparams;
    uint32_t nresults;
    const pw_valtype *params;
    const pw_valtype *results;
} pw_functype;

/* The limits of a memory (in pages) or of a table (in elements). */
typedef struct {
    uint64_t min;
    uint64_t max; /* meaningful only if has_max */
    bool has_max;
    bool shared;
    bool is64;       /* the memory or table is addressed by i64 */
    bool byte_pages; /* only for memories: a page has 1 byte instead of 65,536 bytes */
} pw_limits;

typedef enum {
    PW_EXTERN_FUNC = 0,
    PW_EXTERN_TABLE = 1,
    PW_EXTERN_MEMORY = 2,
    PW_EXTERN_GLOBAL = 3,
    PW_EXTERN_TAG = 4,
    PW_EXTERN_HOST = 16 /* a host function; used only in pw_extern */
} pw_externkind;

/* The type of an import, an export or a definition. `kind` says which of the other fields have a
 * meaning. */
typedef struct {
    pw_externkind kind;
    uint32_t type_index; /* of a function or a tag: the index of its function type */
    pw_valtype valtype;  /* of a global: the type of its value; of a table: that of its elements */
    bool is_mutable;     /* of a global */
    pw_limits limits;    /* of a table or a memory */
} pw_externtype;

/* cdef: end */

/* How many kinds of imports and exports a module can have. */
#define PW_EXTERN_KINDS 5

/* ---- the width of values --------------------------------------------------------------------- */

/* How many 64-bit cells a value of this type takes, in argument and result arrays, on the value
 * stack, in globals and in snapshots. */
static inline uint32_t pw_cells(pw_valtype type)
{
    return type == PW_V128 ? 2 : 1;
}

/* The most cells that a value of any type takes. */
#define PW_MAX_CELLS 2

/* How many cells `count` values of these types take together. */
static inline uint32_t pw_cells_of(const pw_valtype *types, uint32_t count)
{
    uint32_t cells = 0;
    for (uint32_t i = 0; i < count; i++) {
        cells += pw_cells(types[i]);
    }
    return cells;
}

/* The type of the addresses of a memory, or of the indices of a table, which has these limits. */
static inline pw_valtype pw_address_type(const pw_limits *limits)
{
    return limits->is64 ? PW_I64 : PW_I32;
}

/* The type of the length that is copied between two memories or two tables: the smaller one of
 * their address types. */
static inline pw_valtype pw_copy_length_type(pw_valtype to, pw_valtype from)
{
    return to == PW_I64 && from == PW_I64 ? PW_I64 : PW_I32;
}

/* ---- reference types ------------------------------------------------------------------------- */

static inline bool pw_is_reference(pw_valtype type)
{
    return (type & PW_TYPED_REF) != 0 || (type >= PW_EXNREF && type <= PW_NULLEXNREF);
}

static inline bool pw_is_nullable(pw_valtype reference)
{
    return (reference & PW_NON_NULL) == 0;
}

/* The heap type of a reference type: the byte of an abstract heap type, or PW_CONCRETE together
 * with the index of a defined type. */
static inline uint32_t pw_heap_type(pw_valtype reference)
{
    return reference & (PW_CONCRETE | PW_HEAP_MASK);
}

/* Whether references of a type are external references. Null of the bottom type is not one. */
static inline bool pw_is_externref(pw_valtype reference)
{
    return pw_heap_type(reference) == PW_EXTERNREF;
}

/* The type of references to a heap type, which is given as pw_heap_type returns it. */
static inline pw_valtype pw_reference_to(uint32_t heap, bool nullable)
{
    if (nullable) {
        return (heap & PW_CONCRETE) != 0 ? PW_TYPED_REF | heap : heap;
    }
    return PW_TYPED_REF | PW_NON_NULL | heap;
}

/* The type of references to the defined type with this canonical index. */
static inline pw_valtype pw_concrete(uint32_t canonical, bool nullable)
{
    return pw_reference_to(PW_CONCRETE | canonical, nullable);
}

/* Whether the type has a default value, so that a local or an element of a table of this type need
 * not be given an initial value. */
static inline bool pw_is_defaultable(pw_valtype type)
{
    return (type & PW_NON_NULL) == 0;
}

#endif
