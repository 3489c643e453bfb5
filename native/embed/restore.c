/* SPDX-License-Identifier: MIT */
/* Restores snapshots. An image can be any bytes. So it is walked twice: the first time it is
 * checked and nothing changes, and the second time it is applied. In between, the structures and
 * arrays are made, and only when all have their values does anything refer to them: a reference
 * whose type excludes null is never null for running code, whenever the work ends. */
#include "embed/restorer.h"
#include "runtime/aggregate.h"
#include "runtime/collection.h"
#include "runtime/memory.h"
#include "runtime/table.h"

#include <stdlib.h>

static bool take_header(pw_restorer *r)
{
    uint64_t magic, imported;
    if (!pw_restore_take(r, &magic) || !pw_restore_take(r, &imported)) {
        return false;
    }
    if (magic != PW_IMAGE_MAGIC || imported > 1) {
        return pw_restore_damaged(r,
                                  "it does not begin as snapshots of this version and machine do");
    }
    r->imported = imported;
    return true;
}

/* ---- heads of objects ------------------------------------------------------------------------ */

/* The type of an object and the length of an array. The head has been checked. */
static const pw_deftype *type_of(const pw_restorer *r, uint32_t number, uint32_t *length)
{
    uint64_t head = pw_image_word(r->heads, number);
    *length = (uint32_t)(head >> 32);
    return pw_instance_type(r->instance, (uint32_t)head);
}

static bool check_head(pw_restorer *r, uint32_t number)
{
    uint64_t head = pw_image_word(r->heads, number);
    uint32_t index = (uint32_t)head, length;
    if (index >= r->instance->m3->numFuncTypes) {
        return pw_restore_damaged(r, "it has an object of a type that does not exist");
    }
    uint8_t kind = type_of(r, number, &length)->kind;
    return kind == PW_TYPE_ARRAY || (kind == PW_TYPE_STRUCT && length == 0) ||
           pw_restore_damaged(r, "it has an object that is neither a structure nor an array");
}

static bool walk_heads(pw_restorer *r)
{
    uint64_t count;
    if (!pw_restore_take(r, &count)) {
        return false;
    }
    r->heads = r->pos;
    if (count >= UINT32_MAX || !pw_restore_skip(r, count)) {
        return pw_restore_damaged(r, "it ends too early");
    }
    r->nobjects = (uint32_t)count;
    for (uint32_t i = 0; i < r->nobjects && !r->apply; i++) {
        if (!check_head(r, i) || !pw_restore_goes_on(r, 1)) {
            return false;
        }
    }
    return true;
}

/* ---- references ------------------------------------------------------------------------------ */

static bool null_of(pw_restorer *r, pw_valtype type)
{
    return !(type & PW_NON_NULL) ||
           pw_restore_damaged(r, "it has null where the type excludes null");
}

/* Whether a reference whose type is below `any` fits a place. It is also an external one. */
static bool fits(pw_restorer *r, pw_valtype actual, pw_valtype type)
{
    return pw_heap_type(type) == PW_EXTERNREF ||
           pw_type_matches(r->instance->store, actual, type) ||
           pw_restore_damaged(r, "it has a reference that does not match the type");
}

static bool object_of(pw_restorer *r, pw_valtype type, uint64_t code, uint64_t *bits)
{
    uint64_t number = pw_image_object_number(code);
    uint32_t length;
    if ((code & PW_TAG_MASK) != PW_HEAP_TAG || number >= r->nobjects) {
        return pw_restore_damaged(r, "it has the code of a reference that does not exist");
    }
    *bits = r->refs != NULL ? r->refs[number] : 0;
    return fits(r, pw_concrete(type_of(r, (uint32_t)number, &length)->id, false), type);
}

static bool extern_of(pw_restorer *r, pw_valtype type, uint64_t code, uint64_t *bits)
{
    uint64_t number = pw_image_object_number(code);
    if (number >= r->snapshot->nexterns || !r->snapshot->externs[number] ||
        (r->snapshot->externs[number] & PW_TAG_MASK)) {
        return pw_restore_damaged(r,
                                  "it has the code of an external reference that does not exist");
    }
    *bits = r->snapshot->externs[number];
    return fits(r, pw_reference_to(PW_ANYREF, false), type);
}

/* A reference below `any`, or an external one. */
static bool any_of(pw_restorer *r, pw_valtype type, uint64_t code, uint64_t *bits)
{
    if (pw_is_i31(code) && code <= UINT32_MAX) {
        *bits = code;
        return fits(r, pw_reference_to(PW_I31REF, false), type);
    }
    return (code & PW_TAG_MASK) == 0 ? extern_of(r, type, code, bits)
                                     : object_of(r, type, code, bits);
}

static bool function_of(pw_restorer *r, pw_valtype type, uint64_t code, uint64_t *bits)
{
    const M3Module *m3 = r->instance->m3;
    uint64_t other = code - 1 - m3->numFunctions;
    if (code <= m3->numFunctions) {
        *bits = (uintptr_t)&m3->functions[code - 1];
    } else if (other < r->snapshot->nfunctions) {
        *bits = r->snapshot->functions[other];
    } else {
        *bits = 0;
    }
    const M3Function *function = (const M3Function *)(uintptr_t)*bits;
    const pw_store *store = r->instance->store;
    return (function != NULL && pw_type_matches(store, pw_function_type(function), type)) ||
           pw_restore_damaged(r,
                              "it has a function that does not exist or does not match the type");
}

/* Gives the bits for a code in a place whose resolved type is `type`: those of a reference, or the
 * number itself. */
static bool bits_of(pw_restorer *r, pw_valtype type, uint64_t code, uint64_t *bits)
{
    *bits = type == PW_I32 || type == PW_F32 ? (uint32_t)code : code;
    if (!pw_is_reference(type)) {
        return true;
    }
    if (!code) {
        return null_of(r, type);
    }
    switch (pw_resolved_top(r->instance->store, type)) {
    case PW_FUNCREF: return function_of(r, type, code, bits);
    case PW_EXNREF: return pw_restore_damaged(r, "it has a reference to an exception");
    default: return any_of(r, type, code, bits);
    }
}

/* ---- globals, tables and segments ------------------------------------------------------------ */

static bool walk_global(pw_restorer *r, pw_global *global)
{
    for (uint32_t k = 0; k < pw_cells(global->type); k++) {
        uint64_t code, bits;
        if (!pw_restore_take(r, &code) || !bits_of(r, global->resolved, code, &bits)) {
            return false;
        }
        if (r->apply) {
            global->cells[k] = bits;
        }
    }
    return true;
}

/* What an immutable global refers to can change, so the global refers to a new object then. */
static bool walk_immutable(pw_restorer *r, pw_global *global)
{
    uint64_t code, bits;
    if (!pw_restore_take(r, &code) || (code && !object_of(r, global->resolved, code, &bits))) {
        return false;
    }
    if (r->apply && code) {
        global->cells[0] = bits;
    }
    return true;
}

static bool walk_globals(pw_restorer *r)
{
    for (uint32_t i = 0; i < r->instance->nglobals; i++) {
        pw_global *global = r->instance->globals[i];
        if (pw_image_has_global(r->instance, i, r->imported) &&
            !(global->is_mutable ? walk_global(r, global) : walk_immutable(r, global))) {
            return false;
        }
    }
    return true;
}

static bool make_table_room(pw_restorer *r, pw_table *table, uint64_t size)
{
    if (size < table->limits.min) {
        return pw_restore_damaged(r, "a table is smaller than the module's minimum");
    }
    if (size > table->max) {
        return pw_fail(r->error, PW_SNAPSHOT, 0,
                       "the snapshot has a table of %llu element%s, but at most %u are allowed",
                       (unsigned long long)size, pw_plural(size), (unsigned)table->max);
    }
    return pw_table_make_room(table, size) ||
           pw_fail(r->error, PW_SNAPSHOT, 0,
                   "the snapshot has a table of %llu element%s, which is more than the limits of "
                   "the store leave or the system gives",
                   (unsigned long long)size, pw_plural(size));
}

/* References that follow each other in a table, a segment or an array. */
static bool walk_references(pw_restorer *r, pw_valtype type, uint64_t *refs, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t code, bits;
        if (!pw_restore_goes_on(r, 1) || !pw_restore_take(r, &code) ||
            !bits_of(r, type, code, &bits)) {
            return false;
        }
        if (r->apply) {
            refs[i] = bits;
        }
    }
    return true;
}

static bool walk_tables(pw_restorer *r)
{
    for (uint32_t i = 0; i < r->instance->ntables; i++) {
        pw_table *table = r->instance->tables[i];
        uint64_t size;
        if (!pw_image_has_table(r->instance, i, r->imported)) {
            continue;
        }
        if (!pw_restore_take(r, &size)) {
            return false;
        }
        if (size > r->left / sizeof(uint64_t)) {
            return pw_restore_damaged(r, "it ends too early");
        }
        if (!r->apply && !make_table_room(r, table, size)) {
            return false;
        }
        if (r->apply && size < table->size) {
            table->size = (uint32_t)size;
        }
        if (!walk_references(r, table->resolved, table->elements, size)) {
            return false;
        }
        if (r->apply) { /* now that all elements have been written */
            table->size = (uint32_t)size;
        }
    }
    return true;
}

/* Passes over the bits of `count` segments. */
static bool skip_bits(pw_restorer *r, uint32_t count)
{
    return pw_restore_skip(r, (count + 63u) / 64u);
}

static bool bit_at(const uint8_t *bits, uint32_t index)
{
    return pw_image_word(bits, index / 64) >> index % 64 & 1;
}

/* A segment that was dropped has items again only when all of them have been restored: those that
 * it had may be gone. */
static bool walk_elem(pw_restorer *r, uint32_t index, bool empty)
{
    const pw_elemsegment *segment = &r->instance->module->elems[index];
    pw_elem *elem = &r->instance->elems[index];
    if (elem->values != NULL && !empty &&
        !walk_references(r, pw_resolve_type(r->instance, segment->type), elem->values,
                         segment->count)) {
        return false;
    }
    if (r->apply) {
        elem->count = empty ? 0 : segment->count;
    }
    return true;
}

static bool walk_segments(pw_restorer *r)
{
    const pw_instance *instance = r->instance;
    const uint8_t *elems = r->pos;
    if (!skip_bits(r, instance->nelems)) {
        return false;
    }
    const uint8_t *datas = r->pos;
    if (!skip_bits(r, instance->ndatas)) {
        return false;
    }
    for (uint32_t i = 0; i < instance->nelems; i++) {
        if (!walk_elem(r, i, bit_at(elems, i))) {
            return false;
        }
    }
    for (uint32_t i = 0; i < instance->ndatas && r->apply; i++) {
        instance->datas[i].size = bit_at(datas, i) ? 0 : instance->module->datas[i].size;
    }
    return true;
}

/* ---- objects --------------------------------------------------------------------------------- */

static bool walk_field(pw_restorer *r, const pw_field_layout *field, char *to)
{
    uint64_t cells[PW_MAX_CELLS] = {0};
    for (uint32_t i = 0; i < pw_cells(field->type); i++) {
        uint64_t code;
        if (!pw_restore_goes_on(r, 1) || !pw_restore_take(r, &code) ||
            !bits_of(r, field->type, code, &cells[i])) {
            return false;
        }
    }
    if (to != NULL) {
        pw_write_field(to, field->log2, cells);
    }
    return true;
}

static bool walk_struct(pw_restorer *r, const pw_deftype *type, void *object)
{
    for (uint32_t i = 0; i < type->nfields; i++) {
        const pw_field_layout *field = &type->fields[i];
        if (!walk_field(r, field, object != NULL ? pw_field_at(object, field) : NULL)) {
            return false;
        }
    }
    return true;
}

static bool walk_array(pw_restorer *r, const pw_deftype *type, uint32_t length, void *object)
{
    char *to = object != NULL ? pw_element_at(object, 0) : NULL;
    if (type->nreferences != 0) {
        return walk_references(r, type->fields->type, (uint64_t *)(void *)to, length);
    }
    uint64_t size = (uint64_t)length << type->fields->log2;
    const uint8_t *from = r->pos;
    return pw_restore_skip(r, pw_image_words(size)) &&
           (to == NULL || pw_copy_bytes(r->instance->store, (uint8_t *)to, from, size, r->error));
}

/* Checks what the objects contain; or gives it to them, if they have been made. */
static bool walk_contents(pw_restorer *r)
{
    r->contents = r->pos;
    for (uint32_t i = 0; i < r->nobjects; i++) {
        uint32_t length;
        const pw_deftype *type = type_of(r, i, &length);
        void *object = r->refs != NULL ? pw_object_at(r->refs[i]) : NULL;
        if (!pw_restore_goes_on(r, 1) ||
            !(type->kind == PW_TYPE_STRUCT ? walk_struct(r, type, object)
                                           : walk_array(r, type, length, object))) {
            return false;
        }
    }
    return true;
}

static bool make_object(pw_restorer *r, uint32_t number)
{
    pw_store *store = r->instance->store;
    uint32_t length;
    const pw_deftype *type = type_of(r, number, &length);
    void *object = type->kind == PW_TYPE_STRUCT ? (void *)pw_struct_new(store, type, NULL)
                                                : (void *)pw_array_new(store, type, length, NULL);
    if (object == NULL) {
        return pw_fail(r->error, PW_SNAPSHOT, 0,
                       "the snapshot has structures and arrays that need more memory than the "
                       "limits of the store leave or the system gives");
    }
    r->refs[r->made++] = pw_reference_of(object);
    /* A large array is made of zeros, which takes time. */
    return pw_restore_goes_on(r, (uint64_t)length + 1);
}

/* Until the objects have their values, they contain zeros only. */
static bool make_objects(pw_restorer *r)
{
    for (uint32_t i = 0; i < r->nobjects; i++) {
        if (!make_object(r, i)) {
            return false;
        }
    }
    return true;
}

/* ---- whole images ---------------------------------------------------------------------------- */

static bool walk_roots(pw_restorer *r)
{
    return pw_restore_walk_memories(r) && walk_globals(r) && walk_tables(r) && walk_segments(r);
}

static void rewind_to(pw_restorer *r, const uint8_t *pos)
{
    r->pos = pos;
    r->left = r->snapshot->size - (uint64_t)(pos - r->snapshot->image);
}

static bool check(pw_restorer *r)
{
    rewind_to(r, r->snapshot->image);
    if (!take_header(r) || !walk_heads(r) || !walk_roots(r) || !walk_contents(r)) {
        return false;
    }
    return r->left == r->run_bytes || pw_restore_damaged(r, "it has too few or too many bytes");
}

/* Gives the objects their values, and then the rest of the instance its state. */
static bool apply(pw_restorer *r)
{
    r->apply = true;
    rewind_to(r, r->contents);
    if (!walk_contents(r)) {
        return false;
    }
    rewind_to(r, r->snapshot->image);
    return take_header(r) && walk_heads(r) && walk_roots(r);
}

static bool begin(pw_restorer *r)
{
    return pw_may_go_on(&r->instance->store->meter, r->error) && check(r);
}

/* Fills the memories, whose bytes are the last ones of the image. */
static bool end(pw_restorer *r)
{
    rewind_to(r, r->snapshot->image + (r->snapshot->size - r->run_bytes));
    return pw_restore_fill_memories(r);
}

bool pw_instance_restore(pw_instance *instance, const pw_snapshot *snapshot, pw_error *error)
{
    pw_restorer r = {.instance = instance, .snapshot = snapshot, .error = error};
    if (!begin(&r)) {
        return false;
    }
    r.refs = malloc((r.nobjects + (size_t)1) * sizeof *r.refs);
    if (r.refs == NULL) {
        return pw_fail(error, PW_NO_MEMORY, 0, "out of memory: cannot restore a snapshot");
    }
    pw_roots roots = {.cells = r.refs, .count = &r.made};
    pw_roots_add(instance->store, &roots);
    bool applied = make_objects(&r) && apply(&r);
    pw_roots_forget(instance->store, &roots);
    free(r.refs);
    return applied && end(&r);
}

/* Whether the objects that the instance keeps are those of the image. */
static bool check_kept(pw_restorer *r)
{
    const pw_instance *instance = r->instance;
    bool same = r->nobjects == instance->nkept;
    for (uint32_t i = 0; i < r->nobjects && same; i++) {
        const pw_array *object = (const void *)pw_object_at(instance->kept[i]);
        uint32_t length;
        same = type_of(r, i, &length) == object->object.type &&
               (object->object.type->kind != PW_TYPE_ARRAY || length == object->length);
    }
    return same || pw_restore_damaged(r, "it is not the one that the instance keeps");
}

bool pw_instance_restore_kept(pw_instance *instance, const pw_snapshot *snapshot, pw_error *error)
{
    pw_restorer r = {.instance = instance, .snapshot = snapshot, .error = error};
    if (!begin(&r) || !check_kept(&r)) {
        return false;
    }
    r.refs = instance->kept;
    return apply(&r) && end(&r);
}
