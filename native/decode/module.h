/* SPDX-License-Identifier: MIT */
/* A decoded module: the sections as tables, the bodies still as bytes. Immutable once made. */
#ifndef PW_MODULE_H
#define PW_MODULE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/values.h"

#include <stdatomic.h>

/* cdef: begin */

typedef struct {
    pw_name module;
    pw_name name;
    pw_externtype type;
} pw_import;

typedef struct {
    pw_name name;
    uint32_t index; /* in the index space of type.kind */
    pw_externtype type;
} pw_export;

typedef struct {
    pw_name name;
    const uint8_t *data; /* what follows the name */
    uint32_t size;
} pw_custom;

typedef struct pw_module pw_module;

/* What a module says of itself. All pointers are borrowed from the module. */
typedef struct {
    const uint8_t *bytes;
    uint64_t size;
    uint32_t ntypes;
    const pw_functype *types; /* empty for structures and arrays */
    uint32_t nimports;
    const pw_import *imports;
    uint32_t nexports;
    const pw_export *exports;
    uint32_t ncustoms;
    const pw_custom *customs;
    uint32_t nfunctions;            /* imported ones first */
    const uint32_t *function_types; /* index of each function's type */
    uint32_t start;                 /* function index, or PW_NO_INDEX */
    pw_name name;                   /* from the name section; size 0 when there is none */
} pw_module_info;

void pw_module_release(pw_module *module);
const pw_module_info *pw_module_get_info(const pw_module *module);
/* Name of a function: from the name section, else an export, else its import; size 0 if it has
 * none. */
pw_name pw_module_function_name(const pw_module *module, uint32_t function);

/* How many functions, tables, memories, globals or tags a module has, imported ones included. */
uint32_t pw_module_count(const pw_module *module, pw_externkind kind);
/* The type of one of them. The index must be in range. */
pw_externtype pw_module_extern(const pw_module *module, pw_externkind kind, uint32_t index);

/* A defined function's entry in the code section. */
typedef struct {
    uint32_t start; /* of the entry: its size field */
    uint32_t body;  /* after the size field: the locals */
    uint32_t end;   /* after the final `end` */
} pw_body;

/* The body of a defined function. All fields are zero for an imported one, and for an index that is
 * out of range. */
pw_body pw_module_body(const pw_module *module, uint32_t function);

/* cdef: end */

typedef enum { PW_TYPE_FUNC, PW_TYPE_STRUCT, PW_TYPE_ARRAY } pw_typekind;

#define PW_PACKED_I8 0x78
#define PW_PACKED_I16 0x77

/* A field of a structure, or what an array's elements are. */
typedef struct {
    pw_valtype type; /* or PW_PACKED_* */
    bool is_mutable;
} pw_field;

/* A defined type, beside its pw_functype. Types are equal if their canonical indices are: that is
 * the index of the first equal one. Every type index in a type is canonical. */
typedef struct {
    uint32_t canonical;
    uint32_t super;      /* canonical, or PW_NO_INDEX */
    uint32_t group;      /* first type of the canonical recursion group */
    uint32_t group_size; /* types in it */
    uint32_t hash;       /* of the group, where it begins */
    uint32_t nfields;
    const pw_field *fields;
    uint8_t kind; /* pw_typekind */
    bool is_final;
    bool is_defaultable; /* all fields are */
    uint8_t depth;       /* number of supertypes above it */
} pw_typedef;

/* A constant expression: one of four instructions, or any (pw_evaluate of the bridge). */
typedef enum {
    PW_CONST_VALUE,
    PW_CONST_GLOBAL,
    PW_CONST_FUNC,
    PW_CONST_NULL,
    PW_CONST_CODE
} pw_constkind;

typedef struct {
    pw_constkind kind;
    pw_valtype type;
    uint64_t bits;   /* PW_CONST_VALUE: i32 and f32 in the low half */
    uint32_t index;  /* PW_CONST_GLOBAL, PW_CONST_FUNC */
    uint32_t offset; /* of the first instruction, in the module */
} pw_constexpr;

typedef struct {
    pw_valtype type;
    bool is_mutable;
    bool imported;
    pw_constexpr init; /* of a defined one */
} pw_globaldef;

typedef struct {
    pw_valtype type;
    bool imported;
    pw_limits limits;
    pw_constexpr init; /* of the elements of a defined one: PW_CONST_NULL unless given */
} pw_tabledef;

typedef struct {
    bool imported;
    pw_limits limits; /* pages */
} pw_memorydef;

typedef struct {
    bool imported;
    uint32_t type_index; /* of a function type without results */
} pw_tagdef;

typedef enum { PW_SEGMENT_ACTIVE, PW_SEGMENT_PASSIVE, PW_SEGMENT_DECLARED } pw_segmentmode;

/* PW_CONST_FUNC, PW_CONST_NULL or PW_CONST_GLOBAL in the two high bits, the index in the others: a
 * segment has up to millions, of a byte each in the module. Other expressions give
 * garbage-collected references, which cannot be run: they are not kept. */
typedef uint32_t pw_elemitem;

static inline pw_elemitem pw_pack_item(const pw_constexpr *expression)
{
    return (uint32_t)expression->kind << 30 | expression->index;
}

static inline pw_constexpr pw_unpack_item(pw_elemitem item)
{
    return (pw_constexpr){.kind = (pw_constkind)(item >> 30), .index = item & 0x3fffffff};
}

typedef struct {
    pw_segmentmode mode;
    uint32_t table;
    pw_constexpr offset; /* active */
    pw_valtype type;
    uint32_t count;
    const pw_elemitem *items;
} pw_elemsegment;

typedef struct {
    pw_segmentmode mode; /* active or passive */
    uint32_t memory;
    pw_constexpr offset; /* active */
    const uint8_t *data; /* in the module's bytes */
    uint32_t size;
} pw_datasegment;

struct pw_module {
    pw_module_info info; /* the public half; info.bytes is owned */
    _Atomic(uint32_t) references;
    bool is_listing; /* made by pw_module_list */
    pw_arena arena;  /* owns all tables below and in info */

    const pw_typedef *typedefs; /* info.ntypes */
    uint32_t nimported_functions;
    const pw_body *codes; /* info.nfunctions - nimported_functions */

    uint32_t ntables;
    const pw_tabledef *tables; /* imported ones first, here and below */
    uint32_t nmemories;
    const pw_memorydef *memories;
    uint32_t ntags;
    const pw_tagdef *tags;
    uint32_t nglobals;
    const pw_globaldef *globals;
    uint32_t nelems;
    const pw_elemsegment *elems;
    uint32_t ndatas;
    const pw_datasegment *datas;

    const pw_name *function_names; /* info.nfunctions; what pw_module_function_name gives */
};

/* A module that has nothing but the bytes, which stay the caller's; one reference, owned by caller.
 * NULL without memory. */
pw_module *pw_module_allocate(const uint8_t *bytes, size_t size);
/* Frees the module, whatever its references, but not its bytes. */
void pw_module_free(pw_module *module);

/* One more reference to the module; the same pointer, owned by caller. From any thread. */
pw_module *pw_module_retain(pw_module *module);

#endif
