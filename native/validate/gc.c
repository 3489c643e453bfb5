/* SPDX-License-Identifier: MIT */
/* Validates instructions on structures, arrays and scalar references, and casts:
 * https://webassembly.github.io/spec/core/valid/instructions.html#aggregate-instructions */
#include "validate/control.h"
#include "validate/memory.h"
#include "validate/operands.h"
#include "validate/tables.h"

/* ---- types ----------------------------------------------------------------------------------- */

static bool read_definition(pw_validator *v, pw_typekind kind, const pw_typedef **definition)
{
    uint32_t index;
    if (!pw_read_typeindex(&v->decoder, &index)) {
        return false;
    }
    *definition = &v->decoder.module->typedefs[index];
    return (*definition)->kind == kind ||
           pw_fail(v->decoder.reader.error, PW_INVALID, pw_at(v),
                   "type mismatch: %s expected %s type but type %u is not one", v->op->text,
                   kind == PW_TYPE_STRUCT ? "a structure" : "an array", index);
}

static pw_valtype reference(const pw_typedef *definition, bool nullable)
{
    return pw_concrete(definition->canonical, nullable);
}

static pw_valtype unpacked(const pw_field *field)
{
    return pw_is_packed(field->type) ? PW_I32 : field->type;
}

static bool check_packed(pw_validator *v, const pw_field *field, bool packed)
{
    return pw_is_packed(field->type) == packed ||
           pw_fail(v->decoder.reader.error, PW_INVALID, pw_at(v),
                   "type mismatch: %s expected %s field but got one of type %s", v->op->text,
                   packed ? "a packed" : "an unpacked", pw_valtype_name(field->type).text);
}

static bool check_default(pw_validator *v, const pw_field *field)
{
    return pw_is_defaultable(field->type) ||
           pw_fail(v->decoder.reader.error, PW_INVALID, pw_at(v),
                   "type mismatch: %s expected a type with a default value but got %s", v->op->text,
                   pw_valtype_name(field->type).text);
}

static bool check_mutable(pw_validator *v, const pw_typedef *definition, const pw_field *field)
{
    return field->is_mutable ||
           pw_fail(v->decoder.reader.error, PW_INVALID, pw_at(v),
                   "immutable %s: %s cannot write to it",
                   definition->kind == PW_TYPE_STRUCT ? "field" : "array", v->op->text);
}

/* ---- structures ------------------------------------------------------------------------------ */

bool pw_check_struct_new(pw_validator *v)
{
    const pw_typedef *type;
    if (!read_definition(v, PW_TYPE_STRUCT, &type)) {
        return false;
    }
    uint64_t compared = 0;
    for (uint32_t i = type->nfields; i > 0; i--) {
        if (!pw_pop(v, unpacked(&type->fields[i - 1]))) {
            return false;
        }
        compared++;
        if (v->noperands == v->height && pw_is_unreachable(v)) {
            break; /* the stack of unreachable code gives the values of all other fields */
        }
    }
    return pw_charge_comparisons(v, compared) && pw_push(v, reference(type, false));
}

bool pw_check_struct_new_default(pw_validator *v)
{
    const pw_typedef *type;
    if (!read_definition(v, PW_TYPE_STRUCT, &type)) {
        return false;
    }
    for (uint32_t i = 0; !type->is_defaultable && i < type->nfields; i++) {
        if (!check_default(v, &type->fields[i])) {
            return false;
        }
    }
    return pw_push(v, reference(type, false));
}

static bool read_field(pw_validator *v, const pw_typedef **type, const pw_field **field)
{
    uint32_t index;
    if (!read_definition(v, PW_TYPE_STRUCT, type) || !pw_read_index(v, "field index", &index)) {
        return false;
    }
    if (index >= (*type)->nfields) {
        return pw_fail_index(&v->decoder, "field", pw_at(v), index, (*type)->nfields);
    }
    *field = &(*type)->fields[index];
    return true;
}

static bool struct_get(pw_validator *v, bool packed)
{
    const pw_typedef *type;
    const pw_field *field;
    return read_field(v, &type, &field) && check_packed(v, field, packed) &&
           pw_pop(v, reference(type, true)) && pw_push(v, unpacked(field));
}

bool pw_check_struct_get(pw_validator *v)
{
    return struct_get(v, false);
}

bool pw_check_struct_get_packed(pw_validator *v)
{
    return struct_get(v, true);
}

bool pw_check_struct_set(pw_validator *v)
{
    const pw_typedef *type;
    const pw_field *field;
    return read_field(v, &type, &field) && check_mutable(v, type, field) &&
           pw_pop(v, unpacked(field)) && pw_pop(v, reference(type, true));
}

/* ---- arrays ---------------------------------------------------------------------------------- */

bool pw_check_array_new(pw_validator *v)
{
    const pw_typedef *type;
    return read_definition(v, PW_TYPE_ARRAY, &type) && pw_pop(v, PW_I32) &&
           pw_pop(v, unpacked(type->fields)) && pw_push(v, reference(type, false));
}

bool pw_check_array_new_default(pw_validator *v)
{
    const pw_typedef *type;
    return read_definition(v, PW_TYPE_ARRAY, &type) && check_default(v, type->fields) &&
           pw_pop(v, PW_I32) && pw_push(v, reference(type, false));
}

/* The count of elements can be as large as 2^32 - 1. The loop ends when the operands are used up:
 * in unreachable code, one more pop stands for all that are missing. */
bool pw_check_array_new_fixed(pw_validator *v)
{
    const pw_typedef *type;
    uint32_t count;
    if (!read_definition(v, PW_TYPE_ARRAY, &type) || !pw_read_index(v, "length", &count)) {
        return false;
    }
    pw_valtype element = unpacked(type->fields);
    uint32_t before = v->noperands;
    while (count > 0 && v->noperands > v->height) {
        if (!pw_pop(v, element)) {
            return false;
        }
        count--;
    }
    return (count == 0 || pw_pop(v, element)) && pw_charge_comparisons(v, before - v->noperands) &&
           pw_push(v, reference(type, false));
}

static bool check_numeric(pw_validator *v, const pw_typedef *type)
{
    return !pw_is_reference(type->fields->type) ||
           pw_fail(v->decoder.reader.error, PW_INVALID, pw_at(v),
                   "array type is not numeric or vector: %s got an array of %s", v->op->text,
                   pw_valtype_name(type->fields->type).text);
}

static bool read_data(pw_validator *v)
{
    uint32_t segment;
    return pw_read_index(v, "data segment index", &segment) && pw_check_data_index(v, segment);
}

bool pw_check_array_new_data(pw_validator *v)
{
    const pw_typedef *type;
    return read_definition(v, PW_TYPE_ARRAY, &type) && read_data(v) && check_numeric(v, type) &&
           pw_pop(v, PW_I32) && pw_pop(v, PW_I32) && pw_push(v, reference(type, false));
}

static bool read_elements(pw_validator *v, const pw_typedef *type)
{
    uint32_t segment;
    return pw_read_index(v, "element segment index", &segment) && pw_check_elem_index(v, segment) &&
           pw_check_type(v, v->decoder.elems[segment].type, type->fields->type);
}

bool pw_check_array_new_elem(pw_validator *v)
{
    const pw_typedef *type;
    return read_definition(v, PW_TYPE_ARRAY, &type) && read_elements(v, type) &&
           pw_pop(v, PW_I32) && pw_pop(v, PW_I32) && pw_push(v, reference(type, false));
}

static bool array_get(pw_validator *v, bool packed)
{
    const pw_typedef *type;
    return read_definition(v, PW_TYPE_ARRAY, &type) && check_packed(v, type->fields, packed) &&
           pw_pop(v, PW_I32) && pw_pop(v, reference(type, true)) &&
           pw_push(v, unpacked(type->fields));
}

bool pw_check_array_get(pw_validator *v)
{
    return array_get(v, false);
}

bool pw_check_array_get_packed(pw_validator *v)
{
    return array_get(v, true);
}

/* Reads the type of an array that is written to, which must be mutable. */
static bool read_target(pw_validator *v, const pw_typedef **type)
{
    return read_definition(v, PW_TYPE_ARRAY, type) && check_mutable(v, *type, (*type)->fields);
}

bool pw_check_array_set(pw_validator *v)
{
    const pw_typedef *type;
    return read_target(v, &type) && pw_pop(v, unpacked(type->fields)) && pw_pop(v, PW_I32) &&
           pw_pop(v, reference(type, true));
}

bool pw_check_array_len(pw_validator *v)
{
    return pw_pop(v, PW_ARRAYREF) && pw_push(v, PW_I32);
}

bool pw_check_array_fill(pw_validator *v)
{
    const pw_typedef *type;
    return read_target(v, &type) && pw_pop(v, PW_I32) && pw_pop(v, unpacked(type->fields)) &&
           pw_pop(v, PW_I32) && pw_pop(v, reference(type, true));
}

bool pw_check_array_copy(pw_validator *v)
{
    const pw_typedef *to;
    const pw_typedef *from;
    if (!read_target(v, &to) || !read_definition(v, PW_TYPE_ARRAY, &from)) {
        return false;
    }
    if (!pw_matches(v->decoder.module->typedefs, from->fields->type, to->fields->type)) {
        return pw_fail(
            v->decoder.reader.error, PW_INVALID, pw_at(v),
            "array types do not match: array.copy expected elements of type %s but got %s",
            pw_valtype_name(to->fields->type).text, pw_valtype_name(from->fields->type).text);
    }
    return pw_pop(v, PW_I32) && pw_pop(v, PW_I32) && pw_pop(v, reference(from, true)) &&
           pw_pop(v, PW_I32) && pw_pop(v, reference(to, true));
}

static bool pop_range(pw_validator *v, const pw_typedef *type)
{
    return pw_pop(v, PW_I32) && pw_pop(v, PW_I32) && pw_pop(v, PW_I32) &&
           pw_pop(v, reference(type, true));
}

bool pw_check_array_init_data(pw_validator *v)
{
    const pw_typedef *type;
    return read_target(v, &type) && read_data(v) && check_numeric(v, type) && pop_range(v, type);
}

bool pw_check_array_init_elem(pw_validator *v)
{
    const pw_typedef *type;
    return read_target(v, &type) && read_elements(v, type) && pop_range(v, type);
}

/* ---- scalars and conversions ----------------------------------------------------------------- */

bool pw_check_ref_i31(pw_validator *v)
{
    return pw_pop(v, PW_I32) && pw_push(v, pw_reference_to(PW_I31REF, false));
}

bool pw_check_i31_get(pw_validator *v)
{
    return pw_pop(v, PW_I31REF) && pw_push(v, PW_I32);
}

static bool convert(pw_validator *v, pw_valtype from, pw_valtype to)
{
    pw_valtype type;
    return pw_pop_reference(v, &type) && pw_check_type(v, type, from) &&
           pw_push(v, pw_reference_to(to, pw_is_nullable(type)));
}

bool pw_check_any_convert_extern(pw_validator *v)
{
    return convert(v, PW_EXTERNREF, PW_ANYREF);
}

bool pw_check_extern_convert_any(pw_validator *v)
{
    return convert(v, PW_ANYREF, PW_EXTERNREF);
}

/* ---- casts ----------------------------------------------------------------------------------- */

/* Reads the target type of a cast, and pops an operand of the same hierarchy of types. */
static bool pop_cast(pw_validator *v, pw_valtype *target)
{
    return pw_read_heaptype(&v->decoder, "target of a cast", target) &&
           pw_pop(v, pw_top_type(v->decoder.module->typedefs, *target));
}

bool pw_check_ref_test(pw_validator *v)
{
    pw_valtype target;
    return pop_cast(v, &target) && pw_push(v, PW_I32);
}

bool pw_check_ref_cast(pw_validator *v)
{
    pw_valtype target;
    return pop_cast(v, &target) && pw_push(v, pw_reference_to(pw_heap_type(target), false));
}

bool pw_check_ref_cast_null(pw_validator *v)
{
    pw_valtype target;
    return pop_cast(v, &target) && pw_push(v, target);
}

#define CAST_FROM_NULL 1
#define CAST_TO_NULL 2

typedef struct {
    const pw_control *label;
    pw_valtype from;
    pw_valtype to;
    pw_valtype rest; /* the type of an operand of type `from` that is not a `to` */
} cast;

static bool read_cast(pw_validator *v, cast *c)
{
    uint8_t flags;
    if (!pw_read_byte(&v->decoder.reader, "flags of a cast", &flags)) {
        return false;
    }
    if (flags > (CAST_FROM_NULL | CAST_TO_NULL)) {
        return pw_fail(v->decoder.reader.error, PW_MALFORMED, pw_at(v),
                       "malformed br_on_cast flags: 0x%02x has bits beyond 0x03", flags);
    }
    if (!pw_read_label(v, &c->label) ||
        !pw_read_heaptype(&v->decoder, "source of a cast", &c->from) ||
        !pw_read_heaptype(&v->decoder, "target of a cast", &c->to)) {
        return false;
    }
    bool to_null = (flags & CAST_TO_NULL) != 0;
    bool from_null = (flags & CAST_FROM_NULL) != 0;
    c->from = pw_reference_to(pw_heap_type(c->from), from_null);
    c->to = pw_reference_to(pw_heap_type(c->to), to_null);
    c->rest = pw_reference_to(pw_heap_type(c->from), from_null && !to_null);
    return pw_check_type(v, c->to, c->from);
}

/* Checks a branch that takes along a reference of type `taken`. If the branch is not taken, a
 * reference of type `kept` stays on the stack. */
static bool branch_on_cast(pw_validator *v, const cast *c, pw_valtype taken, pw_valtype kept)
{
    uint32_t count;
    const pw_valtype *types = pw_label_types(c->label, &count);
    if (count == 0) {
        return pw_fail(v->decoder.reader.error, PW_INVALID, pw_at(v),
                       "type mismatch: %s expected a label that takes a reference", v->op->text);
    }
    return pw_check_type(v, taken, types[count - 1]) && pw_pop(v, c->from) &&
           pw_check_branch(v, types, count - 1) && pw_push(v, kept);
}

bool pw_check_br_on_cast(pw_validator *v)
{
    cast c;
    return read_cast(v, &c) && branch_on_cast(v, &c, c.to, c.rest);
}

bool pw_check_br_on_cast_fail(pw_validator *v)
{
    cast c;
    return read_cast(v, &c) && branch_on_cast(v, &c, c.rest, c.to);
}
