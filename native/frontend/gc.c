/* SPDX-License-Identifier: MIT */
/* Structures, arrays, scalar references and casts:
 * https://webassembly.github.io/spec/core/valid/instructions.html#aggregate-instructions */
#include "validate.h"

/* ---- types ----------------------------------------------------------------------------------- */

static bool read_definition(pw_decoder *d, pw_typekind kind, const pw_typedef **definition)
{
    uint32_t index;
    if (!pw_read_typeindex(d, &index)) {
        return false;
    }
    *definition = &d->module->typedefs[index];
    return (*definition)->kind == kind ||
           pw_fail(d->reader.error, PW_INVALID, pw_at(d),
                   "type mismatch: %s expected %s but type %u is another one", d->v.op->text,
                   kind == PW_TYPE_STRUCT ? "a structure" : "an array", index);
}

static pw_valtype reference(const pw_typedef *definition, bool nullable)
{
    return pw_concrete(definition->canonical, nullable);
}

static bool is_packed(const pw_field *field)
{
    return field->type == PW_PACKED_I8 || field->type == PW_PACKED_I16;
}

static pw_valtype unpacked(const pw_field *field)
{
    return is_packed(field) ? PW_I32 : field->type;
}

static bool check_packed(pw_decoder *d, const pw_field *field, bool packed)
{
    return is_packed(field) == packed ||
           pw_fail(d->reader.error, PW_INVALID, pw_at(d),
                   "type mismatch: %s expected %s field but got one of %s", d->v.op->text,
                   packed ? "a packed" : "an unpacked", pw_valtype_name(field->type).text);
}

static bool check_default(pw_decoder *d, const pw_field *field)
{
    return pw_is_defaultable(field->type) ||
           pw_fail(d->reader.error, PW_INVALID, pw_at(d),
                   "type mismatch: %s expected a type with a default but got %s", d->v.op->text,
                   pw_valtype_name(field->type).text);
}

static bool check_mutable(pw_decoder *d, const pw_typedef *definition, const pw_field *field)
{
    return field->is_mutable ||
           pw_fail(d->reader.error, PW_INVALID, pw_at(d), "immutable %s: %s expected a mutable one",
                   definition->kind == PW_TYPE_STRUCT ? "field" : "array", d->v.op->text);
}

/* ---- structures ------------------------------------------------------------------------------ */

bool pw_check_struct_new(pw_decoder *d)
{
    const pw_typedef *type;
    if (!read_definition(d, PW_TYPE_STRUCT, &type)) {
        return false;
    }
    for (uint32_t i = type->nfields; i > 0; i--) {
        if (!pw_pop(d, unpacked(&type->fields[i - 1]))) {
            return false;
        }
        if (d->v.noperands == d->v.height && pw_is_unreachable(&d->v)) {
            break; /* the rest is given, however many fields there are */
        }
    }
    return pw_push(d, reference(type, false));
}

bool pw_check_struct_new_default(pw_decoder *d)
{
    const pw_typedef *type;
    if (!read_definition(d, PW_TYPE_STRUCT, &type)) {
        return false;
    }
    for (uint32_t i = 0; !type->is_defaultable && i < type->nfields; i++) {
        if (!check_default(d, &type->fields[i])) {
            return false;
        }
    }
    return pw_push(d, reference(type, false));
}

static bool read_field(pw_decoder *d, const pw_typedef **type, const pw_field **field)
{
    uint32_t index;
    if (!read_definition(d, PW_TYPE_STRUCT, type) || !pw_read_index(d, "field index", &index)) {
        return false;
    }
    if (index >= (*type)->nfields) {
        return pw_fail_index(d, "field", pw_at(d), index, (*type)->nfields);
    }
    *field = &(*type)->fields[index];
    return true;
}

static bool struct_get(pw_decoder *d, bool packed)
{
    const pw_typedef *type;
    const pw_field *field;
    return read_field(d, &type, &field) && check_packed(d, field, packed) &&
           pw_pop(d, reference(type, true)) && pw_push(d, unpacked(field));
}

bool pw_check_struct_get(pw_decoder *d)
{
    return struct_get(d, false);
}

bool pw_check_struct_get_packed(pw_decoder *d)
{
    return struct_get(d, true);
}

bool pw_check_struct_set(pw_decoder *d)
{
    const pw_typedef *type;
    const pw_field *field;
    return read_field(d, &type, &field) && check_mutable(d, type, field) &&
           pw_pop(d, unpacked(field)) && pw_pop(d, reference(type, true));
}

/* ---- arrays ---------------------------------------------------------------------------------- */

bool pw_check_array_new(pw_decoder *d)
{
    const pw_typedef *type;
    return read_definition(d, PW_TYPE_ARRAY, &type) && pw_pop(d, PW_I32) &&
           pw_pop(d, unpacked(type->fields)) && pw_push(d, reference(type, false));
}

bool pw_check_array_new_default(pw_decoder *d)
{
    const pw_typedef *type;
    return read_definition(d, PW_TYPE_ARRAY, &type) && check_default(d, type->fields) &&
           pw_pop(d, PW_I32) && pw_push(d, reference(type, false));
}

/* The popped ones run out before a count of any size is reached, but in unreachable code. */
bool pw_check_array_new_fixed(pw_decoder *d)
{
    const pw_typedef *type;
    uint32_t count;
    if (!read_definition(d, PW_TYPE_ARRAY, &type) || !pw_read_index(d, "length", &count)) {
        return false;
    }
    pw_valtype element = unpacked(type->fields);
    while (count > 0 && d->v.noperands > d->v.height) {
        if (!pw_pop(d, element)) {
            return false;
        }
        count--;
    }
    return (count == 0 || pw_pop(d, element)) && pw_push(d, reference(type, false));
}

static bool check_numeric(pw_decoder *d, const pw_typedef *type)
{
    return !pw_is_reference(type->fields->type) ||
           pw_fail(d->reader.error, PW_INVALID, pw_at(d),
                   "array type is not numeric or vector: %s got one of %s", d->v.op->text,
                   pw_valtype_name(type->fields->type).text);
}

static bool read_data(pw_decoder *d)
{
    uint32_t segment;
    return pw_read_index(d, "data segment index", &segment) && pw_check_data_index(d, segment);
}

bool pw_check_array_new_data(pw_decoder *d)
{
    const pw_typedef *type;
    return read_definition(d, PW_TYPE_ARRAY, &type) && read_data(d) && check_numeric(d, type) &&
           pw_pop(d, PW_I32) && pw_pop(d, PW_I32) && pw_push(d, reference(type, false));
}

static bool read_elements(pw_decoder *d, const pw_typedef *type)
{
    uint32_t segment;
    return pw_read_index(d, "element segment index", &segment) && pw_check_elem_index(d, segment) &&
           pw_check_type(d, d->elems[segment].type, type->fields->type);
}

bool pw_check_array_new_elem(pw_decoder *d)
{
    const pw_typedef *type;
    return read_definition(d, PW_TYPE_ARRAY, &type) && read_elements(d, type) &&
           pw_pop(d, PW_I32) && pw_pop(d, PW_I32) && pw_push(d, reference(type, false));
}

static bool array_get(pw_decoder *d, bool packed)
{
    const pw_typedef *type;
    return read_definition(d, PW_TYPE_ARRAY, &type) && check_packed(d, type->fields, packed) &&
           pw_pop(d, PW_I32) && pw_pop(d, reference(type, true)) &&
           pw_push(d, unpacked(type->fields));
}

bool pw_check_array_get(pw_decoder *d)
{
    return array_get(d, false);
}

bool pw_check_array_get_packed(pw_decoder *d)
{
    return array_get(d, true);
}

/* The type of an array that is written to. */
static bool read_target(pw_decoder *d, const pw_typedef **type)
{
    return read_definition(d, PW_TYPE_ARRAY, type) && check_mutable(d, *type, (*type)->fields);
}

bool pw_check_array_set(pw_decoder *d)
{
    const pw_typedef *type;
    return read_target(d, &type) && pw_pop(d, unpacked(type->fields)) && pw_pop(d, PW_I32) &&
           pw_pop(d, reference(type, true));
}

bool pw_check_array_len(pw_decoder *d)
{
    return pw_pop(d, PW_ARRAYREF) && pw_push(d, PW_I32);
}

bool pw_check_array_fill(pw_decoder *d)
{
    const pw_typedef *type;
    return read_target(d, &type) && pw_pop(d, PW_I32) && pw_pop(d, unpacked(type->fields)) &&
           pw_pop(d, PW_I32) && pw_pop(d, reference(type, true));
}

bool pw_check_array_copy(pw_decoder *d)
{
    const pw_typedef *to;
    const pw_typedef *from;
    if (!read_target(d, &to) || !read_definition(d, PW_TYPE_ARRAY, &from)) {
        return false;
    }
    if (!pw_matches(d->module->typedefs, from->fields->type, to->fields->type)) {
        return pw_fail(d->reader.error, PW_INVALID, pw_at(d),
                       "array types do not match: array.copy expected %s but got %s",
                       pw_valtype_name(to->fields->type).text,
                       pw_valtype_name(from->fields->type).text);
    }
    return pw_pop(d, PW_I32) && pw_pop(d, PW_I32) && pw_pop(d, reference(from, true)) &&
           pw_pop(d, PW_I32) && pw_pop(d, reference(to, true));
}

static bool pop_range(pw_decoder *d, const pw_typedef *type)
{
    return pw_pop(d, PW_I32) && pw_pop(d, PW_I32) && pw_pop(d, PW_I32) &&
           pw_pop(d, reference(type, true));
}

bool pw_check_array_init_data(pw_decoder *d)
{
    const pw_typedef *type;
    return read_target(d, &type) && read_data(d) && check_numeric(d, type) && pop_range(d, type);
}

bool pw_check_array_init_elem(pw_decoder *d)
{
    const pw_typedef *type;
    return read_target(d, &type) && read_elements(d, type) && pop_range(d, type);
}

/* ---- scalars and conversions ----------------------------------------------------------------- */

bool pw_check_ref_i31(pw_decoder *d)
{
    return pw_pop(d, PW_I32) && pw_push(d, pw_reference_to(PW_I31REF, false));
}

bool pw_check_i31_get(pw_decoder *d)
{
    return pw_pop(d, PW_I31REF) && pw_push(d, PW_I32);
}

static bool convert(pw_decoder *d, pw_valtype from, pw_valtype to)
{
    pw_valtype type;
    return pw_pop_reference(d, &type) && pw_check_type(d, type, from) &&
           pw_push(d, pw_reference_to(to, pw_is_nullable(type)));
}

bool pw_check_any_convert_extern(pw_decoder *d)
{
    return convert(d, PW_EXTERNREF, PW_ANYREF);
}

bool pw_check_extern_convert_any(pw_decoder *d)
{
    return convert(d, PW_ANYREF, PW_EXTERNREF);
}

/* ---- casts ----------------------------------------------------------------------------------- */

/* A target type, and the operand of the same hierarchy. */
static bool pop_cast(pw_decoder *d, pw_valtype *target)
{
    return pw_read_heaptype(d, "target of a cast", target) &&
           pw_pop(d, pw_top_type(d->module->typedefs, *target));
}

bool pw_check_ref_test(pw_decoder *d)
{
    pw_valtype target;
    return pop_cast(d, &target) && pw_push(d, PW_I32);
}

bool pw_check_ref_cast(pw_decoder *d)
{
    pw_valtype target;
    return pop_cast(d, &target) && pw_push(d, pw_reference_to(pw_heap_type(target), false));
}

bool pw_check_ref_cast_null(pw_decoder *d)
{
    pw_valtype target;
    return pop_cast(d, &target) && pw_push(d, target);
}

#define CAST_FROM_NULL 1
#define CAST_TO_NULL 2

typedef struct {
    const pw_control *label;
    pw_valtype from;
    pw_valtype to;
    pw_valtype rest; /* what `from` is if it is not `to` */
} cast;

static bool read_cast(pw_decoder *d, cast *c)
{
    uint8_t flags;
    if (!pw_read_byte(&d->reader, "flags of a cast", &flags)) {
        return false;
    }
    if (flags > (CAST_FROM_NULL | CAST_TO_NULL)) {
        return pw_fail(d->reader.error, PW_MALFORMED, pw_at(d),
                       "malformed br_on_cast flags: 0x%02x has bits beyond 0x03", flags);
    }
    if (!pw_read_label(d, &c->label) || !pw_read_heaptype(d, "source of a cast", &c->from) ||
        !pw_read_heaptype(d, "target of a cast", &c->to)) {
        return false;
    }
    bool to_null = (flags & CAST_TO_NULL) != 0;
    bool from_null = (flags & CAST_FROM_NULL) != 0;
    c->from = pw_reference_to(pw_heap_type(c->from), from_null);
    c->to = pw_reference_to(pw_heap_type(c->to), to_null);
    c->rest = pw_reference_to(pw_heap_type(c->from), from_null && !to_null);
    return pw_check_type(d, c->to, c->from);
}

/* `taken` goes with the branch, `kept` stays. */
static bool branch_on_cast(pw_decoder *d, const cast *c, pw_valtype taken, pw_valtype kept)
{
    uint32_t count;
    const pw_valtype *types = pw_label_types(c->label, &count);
    if (count == 0) {
        return pw_fail(d->reader.error, PW_INVALID, pw_at(d),
                       "type mismatch: %s expected a label that takes a reference", d->v.op->text);
    }
    return pw_check_type(d, taken, types[count - 1]) && pw_pop(d, c->from) &&
           pw_check_branch(d, types, count - 1) && pw_push(d, kept);
}

bool pw_check_br_on_cast(pw_decoder *d)
{
    cast c;
    return read_cast(d, &c) && branch_on_cast(d, &c, c.to, c.rest);
}

bool pw_check_br_on_cast_fail(pw_decoder *d)
{
    cast c;
    return read_cast(d, &c) && branch_on_cast(d, &c, c.rest, c.to);
}
