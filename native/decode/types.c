/* SPDX-License-Identifier: MIT */
/* Compares and names value types: https://webassembly.github.io/spec/core/valid/matching.html */
#include "decode/types.h"

#include <stdio.h>

/* ---- names ----------------------------------------------------------------------------------- */

static const struct {
    uint8_t code;
    const char *name;
    const char *heap; /* the heap type; NULL if the type is not a reference type */
} names[] = {
    {PW_I32, "i32", NULL},
    {PW_I64, "i64", NULL},
    {PW_F32, "f32", NULL},
    {PW_F64, "f64", NULL},
    {PW_V128, "v128", NULL},
    {PW_PACKED_I8, "i8", NULL},
    {PW_PACKED_I16, "i16", NULL},
    {PW_NULLEXNREF, "nullexnref", "noexn"},
    {PW_NULLFUNCREF, "nullfuncref", "nofunc"},
    {PW_NULLEXTERNREF, "nullexternref", "noextern"},
    {PW_NULLREF, "nullref", "none"},
    {PW_FUNCREF, "funcref", "func"},
    {PW_EXTERNREF, "externref", "extern"},
    {PW_ANYREF, "anyref", "any"},
    {PW_EQREF, "eqref", "eq"},
    {PW_I31REF, "i31ref", "i31"},
    {PW_STRUCTREF, "structref", "struct"},
    {PW_ARRAYREF, "arrayref", "array"},
    {PW_EXNREF, "exnref", "exn"},
};

static const char *find_name(uint32_t code, bool heap)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].code == code) {
            return heap ? names[i].heap : names[i].name;
        }
    }
    return "bottom";
}

pw_typename pw_valtype_name(pw_valtype type)
{
    pw_typename result;
    const char *null = pw_is_nullable(type) ? "null " : "";
    if ((type & PW_TYPED_REF) == 0) {
        snprintf(result.text, sizeof result.text, "%s", find_name(type, false));
    } else if ((type & PW_CONCRETE) != 0) {
        snprintf(result.text, sizeof result.text, "(ref %s%u)", null, type & PW_HEAP_MASK);
    } else {
        snprintf(result.text, sizeof result.text, "(ref %s%s)", null,
                 find_name(type & PW_HEAP_MASK, true));
    }
    return result;
}

/* ---- subtypes -------------------------------------------------------------------------------- */

uint32_t pw_heap_of_kind(uint8_t kind)
{
    switch (kind) {
    case PW_TYPE_FUNC: return PW_FUNCREF;
    case PW_TYPE_STRUCT: return PW_STRUCTREF;
    default: return PW_ARRAYREF;
    }
}

uint32_t pw_top_of(uint32_t heap)
{
    switch (heap) {
    case PW_FUNCREF:
    case PW_NULLFUNCREF: return PW_FUNCREF;
    case PW_EXTERNREF:
    case PW_NULLEXTERNREF: return PW_EXTERNREF;
    case PW_EXNREF:
    case PW_NULLEXNREF: return PW_EXNREF;
    default: return PW_ANYREF;
    }
}

static bool is_bottom(uint32_t heap)
{
    return heap >= PW_NULLREF && heap <= PW_NULLEXNREF;
}

bool pw_abstract_matches(uint32_t actual, uint32_t expected)
{
    if (actual == expected) {
        return true;
    }
    if (pw_top_of(actual) != pw_top_of(expected)) {
        return false;
    }
    if (is_bottom(actual) || expected == pw_top_of(expected)) {
        return true;
    }
    return expected == PW_EQREF && actual >= PW_ARRAYREF && actual <= PW_I31REF;
}

bool pw_is_bottom_of(uint32_t actual, uint32_t heap)
{
    return is_bottom(actual) && pw_top_of(actual) == pw_top_of(heap);
}

static bool heap_matches(const pw_typedef *types, uint32_t actual, uint32_t expected)
{
    if (actual == expected || actual == PW_HEAP_BOTTOM) {
        return true;
    }
    if ((actual & PW_CONCRETE) == 0) {
        if ((expected & PW_CONCRETE) == 0) {
            return pw_abstract_matches(actual, expected);
        }
        return pw_is_bottom_of(actual, pw_heap_of_kind(types[expected & PW_HEAP_MASK].kind));
    }
    uint32_t index = actual & PW_HEAP_MASK;
    if ((expected & PW_CONCRETE) == 0) {
        return pw_abstract_matches(pw_heap_of_kind(types[index].kind), expected);
    }
    do { /* at most PW_MAX_SUBTYPE_DEPTH times */
        index = types[index].super;
    } while (index != PW_NO_INDEX && index != (expected & PW_HEAP_MASK));
    return index != PW_NO_INDEX;
}

pw_valtype pw_top_type(const pw_typedef *types, pw_valtype reference)
{
    uint32_t heap = pw_heap_type(reference);
    if ((heap & PW_CONCRETE) != 0) {
        heap = pw_heap_of_kind(types[heap & PW_HEAP_MASK].kind);
    }
    return pw_top_of(heap);
}

bool pw_matches(const pw_typedef *types, pw_valtype actual, pw_valtype expected)
{
    if (actual == expected || actual == 0) {
        return true;
    }
    if (!pw_is_reference(actual) || !pw_is_reference(expected) ||
        (pw_is_nullable(actual) && !pw_is_nullable(expected))) {
        return false;
    }
    return heap_matches(types, pw_heap_type(actual), pw_heap_type(expected));
}
