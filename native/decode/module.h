/* SPDX-License-Identifier: MIT */
/* A decoded module: its sections are tables, and the function bodies are still bytes. A module does
 * not change after it was made, so threads may share it. */
#ifndef PW_MODULE_H
#define PW_MODULE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/values.h"

#include <stdatomic.h>

/* cdef: begin */

/* An import. */
typedef struct {
    pw_name module;
    pw_name name;
    pw_externtype type;
} pw_import;

/* An export. */
typedef struct {
    pw_name name;
    uint32_t index; /* in the index space of type.kind */
    pw_externtype type;
} pw_export;

/* A custom section. */
typedef struct {
    pw_name name;
    const uint8_t *data; /* the bytes that follow the name */
    uint32_t size;       /* how many bytes follow the name */
} pw_custom;

typedef struct pw_module pw_module;

/* The facts that a module states about itself. All pointers are borrowed from the module. */
typedef struct {
    const uint8_t *bytes; /* the module in the binary format */
    uint64_t size;        /* how many bytes there are */
    uint32_t ntypes;
    const pw_functype *types; /* all zero for structure and array types */
    uint32_t nimports;
    const pw_import *imports;
    uint32_t nexports;
    const pw_export *exports;
    uint32_t ncustoms;
    const pw_custom *customs;
    uint32_t nfunctions;            /* imported functions come first */
    const uint32_t *function_types; /* the index of each function's type */
    uint32_t start;                 /* the index of the start function, or PW_NO_INDEX */
    pw_name name;                   /* the module's name from the name section; size 0: none */
    bool has_plain_types; /* all types are final function types, each in a group of its own */
} pw_module_info;

/* Gives up one reference, and frees the module when it was the last one. Any thread may call it. */
void pw_module_release(pw_module *module);
/* The result is borrowed from the module. */
const pw_module_info *pw_module_get_info(const pw_module *module);
/* The name of a function, borrowed from the module: from the name section, or else that of its
 * first export, or else that of its import. The size is 0 if the function has no name, and if the
 * index is out of range. */
pw_name pw_module_function_name(const pw_module *module, uint32_t function);

/* How many functions, tables, memories, globals or tags a module has, imported ones included. */
uint32_t pw_module_count(const pw_module *module, pw_externkind kind);
/* The type of one of them. The index must be in range. */
pw_externtype pw_module_extern(const pw_module *module, pw_externkind kind, uint32_t index);

/* Where a defined function's entry in the code section lies, as byte offsets in the module. */
typedef struct {
    uint32_t start; /* the size field, with which the entry begins */
    uint32_t body;  /* the locals, which follow the size field */
    uint32_t end;   /* the byte after the final `end` */
} pw_body;

/* The body of a defined function. All fields are zero for an imported one, and for an index that is
 * out of range. */
pw_body pw_module_body(const pw_module *module, uint32_t function);

/* The kinds of defined types. */
typedef enum { PW_TYPE_FUNC, PW_TYPE_STRUCT, PW_TYPE_ARRAY } pw_typekind;

/* A field of a structure, or the elements of an array. */
typedef struct {
    pw_valtype type; /* or 0x78 for i8, 0x77 for i16, as in the binary format */
    bool is_mutable;
} pw_field;

/* What a defined type is. */
typedef struct {
    pw_typekind kind;
    uint32_t super; /* the supertype, or PW_NO_INDEX */
    bool is_final;
    uint32_t nfields; /* 1 for an array */
} pw_definition;

/* Describes a type of the module, and one of its fields. Both indices must be in range. Type
 * indices in the description are those of the first equal type of the module. */
pw_definition pw_module_definition(const pw_module *module, uint32_t type);
pw_field pw_module_field(const pw_module *module, uint32_t type, uint32_t field);

/* cdef: end */

/* Types that only fields have. */
#define PW_PACKED_I8 0x78
#define PW_PACKED_I16 0x77

/* Whether the type of a field is one of these. */
static inline bool pw_is_packed(pw_valtype type)
{
    return type == PW_PACKED_I8 || type == PW_PACKED_I16;
}

/* A defined type, without the part that its pw_functype holds. Two types of a module are equal if
 * their canonical indices are equal: the canonical index is that of the first equal type. Every
 * type index inside of a type is canonical. */
typedef struct {
    uint32_t canonical;
    uint32_t super;      /* canonical index of the supertype, or PW_NO_INDEX */
    uint32_t group;      /* first type of the canonical recursion group */
    uint32_t group_size; /* how many types the group has */
    uint32_t hash;       /* hash of the group; only in the first type of the group */
    uint32_t nfields;
    const pw_field *fields;
    uint8_t kind; /* pw_typekind */
    bool is_final;
    bool is_defaultable; /* every field has a default value */
    uint8_t depth;       /* how many supertypes are above the type */
} pw_typedef;

/* The kinds of instructions in a constant expression. */
typedef enum {
    PW_CONST_VALUE,  /* one instruction such as i32.const */
    PW_CONST_GLOBAL, /* one global.get */
    PW_CONST_FUNC,   /* one ref.func */
    PW_CONST_NULL,   /* one ref.null */
    PW_CONST_CODE    /* anything else: pw_evaluate runs the code at `offset` */
} pw_constkind;

typedef struct {
    pw_constkind kind;
    pw_valtype type;
    uint64_t bits;   /* of PW_CONST_VALUE: the number; an i32 or f32 is in the low half */
    uint32_t index;  /* of PW_CONST_GLOBAL and PW_CONST_FUNC: of the global or the function */
    uint32_t offset; /* byte offset of the first instruction in the module */
} pw_constexpr;

typedef struct {
    pw_valtype type;
    bool is_mutable;
    bool imported;
    pw_constexpr init; /* of a defined global: its initial value */
} pw_globaldef;

typedef struct {
    pw_valtype type;
    bool imported;
    pw_limits limits;
    pw_constexpr init; /* of a defined table: the initial value of its elements */
} pw_tabledef;

typedef struct {
    bool imported;
    pw_limits limits; /* pages */
} pw_memorydef;

typedef struct {
    bool imported;
    uint32_t type_index; /* index of a function type that has no results */
} pw_tagdef;

typedef enum { PW_SEGMENT_ACTIVE, PW_SEGMENT_PASSIVE, PW_SEGMENT_DECLARED } pw_segmentmode;

/* An item of an element segment, in as few bits as possible: a segment can have millions of items,
 * of which each takes only a byte of the module. The two high bits are PW_CONST_FUNC, PW_CONST_NULL
 * or PW_CONST_GLOBAL, and the other bits are the index. If the two bits are PW_CONST_VALUE, the
 * item is any other expression, and the other bits are the offset of its code. */
typedef uint32_t pw_elemitem;

#define PW_ITEM_BITS 30

static inline pw_elemitem pw_pack_item(const pw_constexpr *expression)
{
    bool is_code = expression->kind == PW_CONST_CODE;
    pw_constkind kind = is_code ? PW_CONST_VALUE : expression->kind;
    return (uint32_t)kind << PW_ITEM_BITS | (is_code ? expression->offset : expression->index);
}

static inline pw_constexpr pw_unpack_item(pw_elemitem item)
{
    pw_constkind kind = (pw_constkind)(item >> PW_ITEM_BITS);
    uint32_t rest = item & ((1u << PW_ITEM_BITS) - 1);
    if (kind == PW_CONST_VALUE) {
        return (pw_constexpr){.kind = PW_CONST_CODE, .offset = rest};
    }
    return (pw_constexpr){.kind = kind, .index = rest};
}

typedef struct {
    pw_segmentmode mode;
    uint32_t table;      /* of an active segment: the index of the table */
    pw_constexpr offset; /* of an active segment: where in the table it goes */
    pw_valtype type;     /* of the items */
    uint32_t count;      /* how many items there are */
    bool has_code;       /* some items are neither functions nor null nor globals */
    const pw_elemitem *items;
} pw_elemsegment;

typedef struct {
    pw_segmentmode mode; /* active or passive */
    uint32_t memory;     /* of an active segment: the index of the memory */
    pw_constexpr offset; /* of an active segment: where in the memory it goes */
    const uint8_t *data; /* points into the module's bytes */
    uint32_t size;       /* bytes */
} pw_datasegment;

struct pw_module {
    pw_module_info info; /* the public part; info.bytes is owned by the module */
    _Atomic(uint32_t) references;
    bool is_listing; /* the module was made by pw_module_list */
    pw_arena arena;  /* owns all tables below and in `info` */

    const pw_typedef *typedefs; /* info.ntypes of them */
    uint32_t nimported_functions;
    const pw_body *codes; /* info.nfunctions - nimported_functions of them */

    /* In each table that holds definitions, the imported ones come first. */
    uint32_t ntables;
    const pw_tabledef *tables;
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

    const pw_name *function_names; /* info.nfunctions of them: see pw_module_function_name */
};

/* Makes a module that has nothing but its bytes, and one reference, which is owned by the caller.
 * The bytes stay the caller's until the module is complete: pw_module_release frees them, and
 * pw_module_free does not. NULL when there is no memory. */
pw_module *pw_module_allocate(const uint8_t *bytes, size_t size);
/* Frees a module that nobody else refers to, but not its bytes. */
void pw_module_free(pw_module *module);

/* Adds one reference to the module, which is owned by the caller. The result is the same pointer.
 * Any thread may call it. */
pw_module *pw_module_retain(pw_module *module);

#endif
