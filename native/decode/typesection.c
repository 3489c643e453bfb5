/* SPDX-License-Identifier: MIT */
/* Reads the type section: https://webassembly.github.io/spec/core/valid/types.html
 *
 * Two types are equal if they have the same place in equal recursion groups. So that equal types
 * can be found quickly, each group is looked up in a hash table by its structure, in which the
 * indices of earlier types have been replaced by canonical ones. */
#include "decode/typesection.h"
#include "base/hash.h"
#include "base/limits.h"
#include "decode/externtypes.h"
#include "decode/types.h"
#include "decode/valtypes.h"

#include <stdlib.h>
#include <string.h>

#define FORM_REC 0x4e
#define FORM_SUB_FINAL 0x4f
#define FORM_SUB 0x50
#define FORM_ARRAY 0x5e
#define FORM_STRUCT 0x5f
#define FORM_FUNC 0x60

/* ---- room ------------------------------------------------------------------------------------ */

static bool resize(pw_decoder *d, uint32_t capacity)
{
    uint32_t count = d->module->info.ntypes;
    pw_functype *types = pw_decode_alloc(d, capacity, sizeof *types);
    pw_typedef *typedefs = pw_decode_alloc(d, capacity, sizeof *typedefs);
    if (types == NULL || typedefs == NULL) {
        return false;
    }
    if (count != 0) {
        memcpy(types, d->types, count * sizeof *types);
        memcpy(typedefs, d->typesection.typedefs, count * sizeof *typedefs);
    }
    d->module->info.types = d->types = types;
    d->module->typedefs = d->typesection.typedefs = typedefs;
    d->typesection.capacity = capacity;
    return true;
}

/* Makes room for a group. The section can have more types than entries, because a group may have
 * several types. */
static bool reserve(pw_decoder *d, uint32_t offset, uint32_t size)
{
    uint64_t need = (uint64_t)d->module->info.ntypes + size;
    if (need > PW_MAX_TYPES) {
        return pw_fail(d->reader.error, PW_LIMIT, offset,
                       "too many: %llu types, but at most %u are supported",
                       (unsigned long long)need, PW_MAX_TYPES);
    }
    uint32_t capacity = d->typesection.capacity;
    return need <= capacity || resize(d, need > 2 * capacity ? (uint32_t)need : 2 * capacity);
}

bool pw_begin_types(pw_decoder *d, uint32_t count)
{
    return resize(d, count);
}

void pw_end_types(pw_decoder *d)
{
    free(d->typesection.groups);
    d->typesection.groups = NULL;
    bool plain = true;
    for (uint32_t i = 0; i < d->module->info.ntypes && plain; i++) {
        const pw_typedef *type = &d->module->typedefs[i];
        plain = type->kind == PW_TYPE_FUNC && type->is_final && type->super == PW_NO_INDEX &&
                type->group_size == 1;
    }
    d->module->info.has_plain_types = plain;
}

/* ---- one type -------------------------------------------------------------------------------- */

static bool read_result_type(pw_decoder *d, const char *what, uint32_t max, uint32_t *count,
                             const pw_valtype **types)
{
    if (!pw_read_count(&d->reader, what, 1, max, count)) {
        return false;
    }
    pw_valtype *list = pw_decode_alloc(d, *count, sizeof *list);
    if (list == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < *count; i++) {
        if (!pw_read_valtype(d, "value type", &list[i])) {
            return false;
        }
    }
    *types = list;
    return true;
}

static bool read_function(pw_decoder *d, pw_functype *type)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    if (!read_result_type(d, "parameter count", PW_MAX_PARAMS, &type->nparams, &type->params) ||
        !read_result_type(d, "result count", PW_MAX_RESULTS, &type->nresults, &type->results)) {
        return false;
    }
    if (type->nresults > 1 && (d->unrunnable & PW_FEATURE_MULTI_VALUE) != 0) {
        pw_note_unsupported(d, PW_FEATURE_MULTI_VALUE, offset, "a type has %u results",
                            type->nresults);
    }
    if (type->nparams + type->nresults > PW_MAX_PARAMS_AND_RESULTS) {
        return pw_fail(d->reader.error, PW_LIMIT, offset,
                       "too many: a function type has %u parameters and %u results, but at most "
                       "%u together are supported",
                       type->nparams, type->nresults, PW_MAX_PARAMS_AND_RESULTS);
    }
    return true;
}

static bool read_field(pw_decoder *d, pw_field *field)
{
    pw_reader *r = &d->reader;
    if (r->pos < r->end && (*r->pos == PW_PACKED_I8 || *r->pos == PW_PACKED_I16)) {
        field->type = *r->pos++;
    } else if (!pw_read_valtype(d, "type of a field", &field->type)) {
        return false;
    }
    return pw_read_mutability(d, &field->is_mutable);
}

static bool read_fields(pw_decoder *d, pw_typedef *definition)
{
    uint32_t count = 1;
    if (definition->kind == PW_TYPE_STRUCT &&
        !pw_read_count(&d->reader, "field count", 2, PW_MAX_FIELDS, &count)) {
        return false;
    }
    pw_field *fields = pw_decode_alloc(d, count, sizeof *fields);
    if (fields == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!read_field(d, &fields[i])) {
            return false;
        }
    }
    definition->is_defaultable = true;
    for (uint32_t i = 0; i < count; i++) {
        definition->is_defaultable &= pw_is_defaultable(fields[i].type);
    }
    definition->nfields = count;
    definition->fields = fields;
    return true;
}

static bool fail_form(pw_decoder *d, uint8_t form)
{
    return pw_fail(
        d->reader.error, PW_MALFORMED, pw_reader_offset(&d->reader),
        "%s: the form of a type is 0x%02x, which is neither 0x60 (func) nor that of another type",
        form >= 0x80 ? "integer representation too long" : "malformed definition type", form);
}

/* Reads the form of a type, without moving the cursor. */
static bool peek_form(pw_decoder *d, uint8_t *form)
{
    pw_reader ahead = d->reader;
    if (!pw_read_byte(&ahead, "form of a type", form)) {
        return false;
    }
    if (((*form >= FORM_SUB_FINAL && *form <= FORM_SUB) || *form == FORM_ARRAY ||
         *form == FORM_STRUCT) &&
        (d->unrunnable & PW_FEATURE_GC) != 0) {
        pw_note_unsupported(d, PW_FEATURE_GC, pw_reader_offset(&d->reader),
                            "the form of a type is 0x%02x", *form);
    }
    return true;
}

/* Reads the list of supertypes that follows FORM_SUB. It has at most one, which must be an earlier
 * type.
 */
static bool read_supertype(pw_decoder *d, uint32_t index, pw_typedef *definition)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    uint32_t count;
    if (!pw_read_count(&d->reader, "count of supertypes", 1, PW_MAX_TYPES, &count)) {
        return false;
    }
    if (count > 1) {
        return pw_fail(d->reader.error, PW_INVALID, offset,
                       "sub type: type %u has %u supertypes, but at most one is allowed", index,
                       count);
    }
    if (count == 0) {
        return true;
    }
    uint32_t super;
    offset = pw_reader_offset(&d->reader);
    if (!pw_read_u32(&d->reader, "supertype", &super)) {
        return false;
    }
    if (super >= index) {
        return pw_fail_index(d, "type", offset, super, index);
    }
    const pw_typesection *t = &d->typesection;
    if (t->typedefs[super].depth == PW_MAX_SUBTYPE_DEPTH) {
        return pw_fail(d->reader.error, PW_LIMIT, offset,
                       "too many: type %u has more than %u supertypes above each other", index,
                       PW_MAX_SUBTYPE_DEPTH);
    }
    definition->super = super < t->group_start ? t->typedefs[super].canonical : super;
    definition->depth = (uint8_t)(t->typedefs[super].depth + 1);
    return true;
}

static bool read_subtype(pw_decoder *d, uint32_t index)
{
    pw_typedef *definition = &d->typesection.typedefs[index];
    uint8_t form;
    *definition = (pw_typedef){.super = PW_NO_INDEX, .is_final = true};
    if (!peek_form(d, &form)) {
        return false;
    }
    if (form == FORM_SUB || form == FORM_SUB_FINAL) {
        d->reader.pos++;
        definition->is_final = form == FORM_SUB_FINAL;
        if (!read_supertype(d, index, definition) || !peek_form(d, &form)) {
            return false;
        }
    }
    if (form != FORM_FUNC && form != FORM_STRUCT && form != FORM_ARRAY) {
        return fail_form(d, form);
    }
    d->reader.pos++;
    if (form == FORM_FUNC) {
        return read_function(d, &d->types[index]);
    }
    definition->kind = form == FORM_STRUCT ? PW_TYPE_STRUCT : PW_TYPE_ARRAY;
    return read_fields(d, definition);
}

/* ---- canonical groups ------------------------------------------------------------------------ */

/* Within the description of a group, an index of a type of the same group is its place in the
 * group, with this bit. */
#define IN_GROUP 0x10000000u

typedef struct {
    const pw_functype *types;
    const pw_typedef *typedefs;
    uint32_t start;
    uint32_t size;
} group;

static uint32_t identity(const group *g, uint32_t index)
{
    if (index >= g->start && index - g->start < g->size) {
        return IN_GROUP | (index - g->start);
    }
    return index;
}

static void put_type(pw_hash *hash, const group *g, pw_valtype type)
{
    if ((type & PW_CONCRETE) != 0) {
        pw_hash_add(hash, type & ~(pw_valtype)PW_HEAP_MASK);
        type = identity(g, type & PW_HEAP_MASK);
    }
    pw_hash_add(hash, type);
}

static void put_definition(pw_hash *hash, const group *g, uint32_t index)
{
    const pw_typedef *definition = &g->typedefs[index];
    const pw_functype *type = &g->types[index];
    pw_hash_add(hash, (uint32_t)definition->kind << 1 | definition->is_final);
    pw_hash_add(hash,
                definition->super == PW_NO_INDEX ? PW_NO_INDEX : identity(g, definition->super));
    pw_hash_add(hash, definition->nfields);
    for (uint32_t i = 0; i < definition->nfields; i++) {
        put_type(hash, g, definition->fields[i].type);
        pw_hash_add(hash, definition->fields[i].is_mutable);
    }
    pw_hash_add(hash, type->nparams);
    for (uint32_t i = 0; i < type->nparams; i++) {
        put_type(hash, g, type->params[i]);
    }
    pw_hash_add(hash, type->nresults);
    for (uint32_t i = 0; i < type->nresults; i++) {
        put_type(hash, g, type->results[i]);
    }
}

static void put_group(pw_hash *hash, const group *g)
{
    pw_hash_add(hash, g->size);
    for (uint32_t i = 0; i < g->size; i++) {
        put_definition(hash, g, g->start + i);
    }
}

static group group_at(const pw_decoder *d, uint32_t start, uint32_t size)
{
    return (group){d->types, d->typesection.typedefs, start, size};
}

static uint32_t hash_group(const group *g)
{
    pw_hash hash;
    pw_hash_begin(&hash);
    put_group(&hash, g);
    return (uint32_t)pw_hash_end(&hash);
}

static bool same_type(const group *a, pw_valtype left, const group *b, pw_valtype right)
{
    if ((left & right & PW_CONCRETE) == 0) {
        return left == right;
    }
    return (left & ~(pw_valtype)PW_HEAP_MASK) == (right & ~(pw_valtype)PW_HEAP_MASK) &&
           identity(a, left & PW_HEAP_MASK) == identity(b, right & PW_HEAP_MASK);
}

static bool same_types(const group *a, const pw_valtype *left, const group *b,
                       const pw_valtype *right, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!same_type(a, left[i], b, right[i])) {
            return false;
        }
    }
    return true;
}

static bool same_definition(const group *a, const group *b, uint32_t place)
{
    const pw_typedef *x = &a->typedefs[a->start + place];
    const pw_typedef *y = &b->typedefs[b->start + place];
    const pw_functype *f = &a->types[a->start + place];
    const pw_functype *g = &b->types[b->start + place];
    if (x->kind != y->kind || x->is_final != y->is_final || x->nfields != y->nfields ||
        f->nparams != g->nparams || f->nresults != g->nresults ||
        (x->super == PW_NO_INDEX) != (y->super == PW_NO_INDEX) ||
        (x->super != PW_NO_INDEX && identity(a, x->super) != identity(b, y->super))) {
        return false;
    }
    for (uint32_t i = 0; i < x->nfields; i++) {
        if (x->fields[i].is_mutable != y->fields[i].is_mutable ||
            !same_type(a, x->fields[i].type, b, y->fields[i].type)) {
            return false;
        }
    }
    return same_types(a, f->params, b, g->params, f->nparams) &&
           same_types(a, f->results, b, g->results, f->nresults);
}

static bool same_group(const group *a, const group *b)
{
    if (a->size != b->size) {
        return false;
    }
    for (uint32_t i = 0; i < a->size; i++) {
        if (!same_definition(a, b, i)) {
            return false;
        }
    }
    return true;
}

/* The place in the hash table that has an equal group, or else the free place where the group
 * belongs.
 */
static uint32_t *find_group(const pw_decoder *d, const group *g)
{
    const pw_typesection *t = &d->typesection;
    uint32_t mask = t->groups_capacity - 1;
    uint32_t hash = t->typedefs[g->start].hash;
    uint32_t place = hash & mask;
    while (t->groups[place] != 0) {
        uint32_t start = t->groups[place] - 1;
        group other = group_at(d, start, t->typedefs[start].group_size);
        if (t->typedefs[start].hash == hash && same_group(g, &other)) {
            break;
        }
        place = (place + 1) & mask;
    }
    return &t->groups[place];
}

/* Enters a group into the hash table, all of whose groups are known to be different from it. */
static void enter_group(const pw_typesection *t, uint32_t start)
{
    uint32_t mask = t->groups_capacity - 1;
    uint32_t place = t->typedefs[start].hash & mask;
    while (t->groups[place] != 0) {
        place = (place + 1) & mask;
    }
    t->groups[place] = start + 1;
}

static bool grow_groups(pw_decoder *d)
{
    pw_typesection *t = &d->typesection;
    if (2 * (t->ngroups + 1) <= t->groups_capacity) {
        return true;
    }
    uint32_t *old = t->groups;
    uint32_t old_capacity = t->groups_capacity;
    uint32_t capacity = old_capacity == 0 ? 16 : 2 * old_capacity;
    uint32_t *groups = calloc(capacity, sizeof *groups);
    if (groups == NULL) {
        return pw_fail(d->reader.error, PW_NO_MEMORY, pw_reader_offset(&d->reader),
                       "out of memory: cannot allocate a table of %u groups of types", capacity);
    }
    t->groups = groups;
    t->groups_capacity = capacity;
    for (uint32_t i = 0; i < old_capacity; i++) {
        if (old[i] != 0) {
            enter_group(t, old[i] - 1);
        }
    }
    free(old);
    return true;
}

/* ---- declared supertypes --------------------------------------------------------------------- */

static bool field_matches(const pw_typedef *types, const pw_field *sub, const pw_field *super)
{
    if (sub->is_mutable != super->is_mutable) {
        return false;
    }
    return sub->type == super->type ||
           (!sub->is_mutable && pw_matches(types, sub->type, super->type));
}

static bool fields_match(const pw_typedef *types, const pw_typedef *sub, const pw_typedef *super)
{
    if (sub->nfields < super->nfields) {
        return false;
    }
    for (uint32_t i = 0; i < super->nfields; i++) {
        if (!field_matches(types, &sub->fields[i], &super->fields[i])) {
            return false;
        }
    }
    return true;
}

static bool function_matches(const pw_typedef *types, const pw_functype *sub,
                             const pw_functype *super)
{
    if (sub->nparams != super->nparams || sub->nresults != super->nresults) {
        return false;
    }
    for (uint32_t i = 0; i < sub->nparams; i++) {
        if (!pw_matches(types, super->params[i], sub->params[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < sub->nresults; i++) {
        if (!pw_matches(types, sub->results[i], super->results[i])) {
            return false;
        }
    }
    return true;
}

static bool check_supertype(pw_decoder *d, uint32_t offset, uint32_t index)
{
    const pw_typedef *types = d->typesection.typedefs;
    uint32_t super = types[index].super;
    if (super == PW_NO_INDEX) {
        return true;
    }
    if (types[super].is_final || types[super].kind != types[index].kind ||
        !fields_match(types, &types[index], &types[super]) ||
        !function_matches(types, &d->types[index], &d->types[super])) {
        return pw_fail(d->reader.error, PW_INVALID, offset,
                       "sub type: type %u does not match its supertype %u%s", index, super,
                       types[super].is_final ? ", which is final" : "");
    }
    return true;
}

/* ---- groups ---------------------------------------------------------------------------------- */

/* Makes the types from `start` on, which were just read, canonical: if an equal group is known,
 * they become copies of its types. */
static bool add_group(pw_decoder *d, uint32_t offset, uint32_t start, uint32_t size)
{
    pw_typedef *types = d->typesection.typedefs;
    group g = group_at(d, start, size);
    if (!grow_groups(d)) {
        return false;
    }
    types[start].hash = hash_group(&g);
    uint32_t *found = find_group(d, &g);
    if (*found != 0) {
        memcpy(&types[start], &types[*found - 1], size * sizeof *types);
        memcpy(&d->types[start], &d->types[*found - 1], size * sizeof *d->types);
        return true;
    }
    *found = start + 1;
    d->typesection.ngroups++;
    for (uint32_t i = start; i < start + size; i++) {
        types[i].canonical = i;
        types[i].group = start;
        types[i].group_size = size;
    }
    for (uint32_t i = start; i < start + size; i++) {
        if (!check_supertype(d, offset, i)) {
            return false;
        }
    }
    return true;
}

static bool read_group_size(pw_decoder *d, uint32_t *size)
{
    pw_reader *r = &d->reader;
    *size = 1;
    if (r->pos == r->end || *r->pos != FORM_REC) {
        return true;
    }
    if ((d->unrunnable & PW_FEATURE_FUNCTION_REFERENCES) != 0) {
        pw_note_unsupported(d, PW_FEATURE_FUNCTION_REFERENCES, pw_reader_offset(r),
                            "a group of recursive types");
    }
    r->pos++;
    return pw_read_count(r, "count of types in a group", 2, PW_MAX_TYPES, size);
}

bool pw_read_type(pw_decoder *d)
{
    pw_typesection *t = &d->typesection;
    uint32_t offset = pw_reader_offset(&d->reader);
    uint32_t start = d->module->info.ntypes;
    uint32_t size;
    if (!read_group_size(d, &size) || !reserve(d, offset, size)) {
        return false;
    }
    t->group_start = start;
    t->limit = start + size;
    for (uint32_t i = start; i < start + size; i++) {
        if (!read_subtype(d, i)) {
            return false;
        }
    }
    if (size != 0 && !add_group(d, offset, start, size)) {
        return false;
    }
    d->module->info.ntypes = t->group_start = start + size;
    return true;
}
