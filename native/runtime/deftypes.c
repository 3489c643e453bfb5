/* SPDX-License-Identifier: MIT */
/* Interns defined types: within a store, equal types are one pw_deftype, whichever modules they
 * come from.
 *
 * wasm3 has four types of values, and a reference is an i64 to it. Function types with externref,
 * funcref and i64 must nevertheless stay different. So a pw_deftype follows wasm3's type in the
 * same block of memory, and types are compared by the pw_deftype. To wasm3, structure and array
 * types are function types without parameters and results. Types are equal if they have the same
 * place in equal recursion groups, most of which have one member:
 * https://webassembly.github.io/spec/core/valid/conventions.html#rolling-and-unrolling */
#include "runtime/deftypes.h"
#include "base/hash.h"
#include "base/zeroed.h"
#include "decode/types.h"

#include <stdlib.h>
#include <string.h>

static uint32_t value_count(const M3FuncType *type)
{
    return (uint32_t)type->numRets + type->numArgs;
}

/* Where the pw_deftype begins, in bytes from the start of the block: where wasm3's type ends,
 * rounded up. */
static size_t deftype_offset(uint32_t nvalues)
{
    size_t unit = _Alignof(pw_deftype);
    return (offsetof(M3FuncType, types) + nvalues + unit - 1) / unit * unit;
}

const pw_deftype *pw_deftype_of(const M3FuncType *type)
{
    return (const void *)((const char *)type + deftype_offset(value_count(type)));
}

static pw_deftype *own_deftype_of(IM3FuncType type)
{
    return (void *)((char *)type + deftype_offset(value_count(type)));
}

/* ---- from a module's type to the store's ----------------------------------------------------- */

/* A group of types of a module, which are made together: [first, first + count). As long as it is
 * not known whether the store has an equal group, they have the next free numbers of the store. */
typedef struct {
    const pw_store *store;
    const pw_module_info *info;
    const pw_typedef *typedefs; /* NULL: all are final function types without supertypes */
    IM3FuncType *types;         /* the module's types; those before `first` are made already */
    uint32_t first;
    uint32_t count;
} group;

/* The store's number of a type of the module. */
static uint32_t number_of(const group *g, uint32_t index)
{
    return index >= g->first ? g->store->ntypes + (index - g->first)
                             : pw_deftype_of(g->types[index])->id;
}

/* Resolves a value type of the group. */
static pw_valtype resolve(const group *g, pw_valtype type)
{
    if (!(type & PW_CONCRETE)) {
        return type;
    }
    return (type & ~(pw_valtype)PW_HEAP_MASK) | number_of(g, type & PW_HEAP_MASK);
}

static void convert(const group *g, const pw_valtype *types, uint32_t count, uint8_t *engine,
                    pw_valtype *resolved)
{
    for (uint32_t i = 0; i < count; i++) {
        engine[i] = pw_engine_type(types[i]);
        resolved[i] = resolve(g, types[i]);
    }
}

/* The binary logarithm of the bytes that a value takes in an object. */
static uint8_t log2_of(pw_valtype type)
{
    switch (type) {
    case PW_PACKED_I8: return 0;
    case PW_PACKED_I16: return 1;
    case PW_I32:
    case PW_F32: return 2;
    case PW_V128: return 4;
    default: return 3;
    }
}

/* Lays out the fields one behind the other. A subtype begins with the fields of its supertype, so
 * these have the same offsets in both. */
static void lay_out_fields(const group *g, const pw_typedef *definition, pw_deftype *type)
{
    uint32_t end = type->size;
    for (uint32_t i = 0; i < type->nfields; i++) {
        const pw_field *field = &definition->fields[i];
        pw_field_layout *layout = &type->fields[i];
        uint8_t log2 = log2_of(field->type);
        uint32_t unit = log2 < 3 ? 1u << log2 : 8;
        *layout = (pw_field_layout){.type = resolve(g, field->type),
                                    .log2 = log2,
                                    .is_mutable = field->is_mutable,
                                    .offset = (end + unit - 1) / unit * unit};
        end = layout->offset + (1u << log2);
        if (pw_is_reference(field->type)) {
            type->references[type->nreferences++] = layout->offset;
        }
    }
    if (type->kind == PW_TYPE_STRUCT) {
        type->size = end;
    }
}

/* The parts of a block that follow the pw_deftype, in bytes. */
typedef struct {
    size_t ancestors;
    size_t fields;
    size_t references;
    size_t values;
} block_parts;

static block_parts parts_of(const pw_typedef *definition, uint32_t nvalues)
{
    uint32_t nfields = definition->nfields;
    return (block_parts){
        .ancestors = (definition->depth + 1u) * sizeof(const pw_deftype *),
        .fields = nfields * sizeof(pw_field_layout),
        .references = nfields * sizeof(uint32_t),
        .values = nvalues * sizeof(pw_valtype),
    };
}

static size_t size_of(const block_parts *parts, uint32_t nvalues)
{
    return deftype_offset(nvalues) + sizeof(pw_deftype) + parts->ancestors + parts->fields +
           parts->references + parts->values;
}

static const pw_typedef plain_function = {
    .super = PW_NO_INDEX, .kind = PW_TYPE_FUNC, .is_final = true, .group_size = 1};

static const pw_typedef *definition_of(const group *g, uint32_t index)
{
    return g->typedefs != NULL ? &g->typedefs[index] : &plain_function;
}

/* Fills in everything of a type but its ancestors. */
static void fill_type(const group *g, uint32_t index, IM3FuncType made, const block_parts *parts)
{
    const pw_functype *function = &g->info->types[index];
    const pw_typedef *definition = definition_of(g, index);
    pw_deftype *type = own_deftype_of(made);
    char *behind = (char *)(type + 1);
    *type = (pw_deftype){
        .m3 = made,
        .id = number_of(g, index),
        .group = g->store->ntypes,
        .group_size = g->count,
        .super = definition->super == PW_NO_INDEX ? PW_NO_INDEX : number_of(g, definition->super),
        .kind = definition->kind,
        .is_final = definition->is_final,
        .depth = definition->depth,
        .nfields = definition->nfields,
        .size = definition->kind == PW_TYPE_ARRAY ? PW_ARRAY_HEADER : sizeof(pw_heap_object),
        .ancestors = (const pw_deftype **)(void *)behind,
        .fields = (pw_field_layout *)(void *)(behind + parts->ancestors),
        .references = (uint32_t *)(void *)(behind + parts->ancestors + parts->fields),
        .values =
            (pw_valtype *)(void *)(behind + parts->ancestors + parts->fields + parts->references),
    };
    convert(g, function->results, function->nresults, made->types, type->values);
    convert(g, function->params, function->nparams, made->types + function->nresults,
            type->values + function->nresults);
    type->cells = pw_cells_of(function->results, function->nresults) +
                  pw_cells_of(function->params, function->nparams);
    lay_out_fields(g, definition, type);
}

static pw_code make_type(const group *g, uint32_t index)
{
    const pw_functype *function = &g->info->types[index];
    uint32_t nvalues = function->nresults + function->nparams;
    const block_parts parts = parts_of(definition_of(g, index), nvalues);
    IM3FuncType made = pw_zeroed(1, size_of(&parts, nvalues));
    if (made == NULL) {
        return PW_NO_MEMORY;
    }
    made->numRets = (uint16_t)function->nresults;
    made->numArgs = (uint16_t)function->nparams;
    fill_type(g, index, made, &parts);
    g->types[index] = made;
    return PW_OK;
}

static void forget_group(const group *g)
{
    for (uint32_t i = g->first; i < g->first + g->count; i++) {
        free(g->types[i]);
        g->types[i] = NULL;
    }
}

static pw_code make_group(const group *g)
{
    for (uint32_t i = g->first; i < g->first + g->count; i++) {
        pw_code code = make_type(g, i);
        if (code != PW_OK) {
            forget_group(g);
            return code;
        }
    }
    return PW_OK;
}

/* ---- the table of the store's groups --------------------------------------------------------- */

/* The table is a hash table with open addressing. An entry is 1 + the id of a group's first type,
 * or 0 if the place is free. */

/* Stands for the number of a type of the same group: its place in the group, with this bit. */
#define RELATIVE 0x10000000u

static uint32_t relative_number(const pw_deftype *owner, uint32_t id)
{
    return id - owner->group < owner->group_size ? RELATIVE | (id - owner->group) : id;
}

/* A value type in which numbers of the same group are relative. */
static pw_valtype relative(const pw_deftype *owner, pw_valtype type)
{
    if (!(type & PW_CONCRETE)) {
        return type;
    }
    return (type & ~(pw_valtype)PW_HEAP_MASK) | relative_number(owner, type & PW_HEAP_MASK);
}

static uint64_t hash_group(IM3FuncType *types, uint32_t count)
{
    pw_hash hash;
    pw_hash_begin(&hash);
    for (uint32_t i = 0; i < count; i++) {
        const pw_deftype *type = pw_deftype_of(types[i]);
        pw_hash_add(&hash, types[i]->numRets | (uint32_t)types[i]->numArgs << 16);
        pw_hash_add(&hash, type->kind | (uint32_t)type->is_final << 8);
        pw_hash_add(&hash, relative_number(type, type->super));
        for (uint32_t k = 0; k < value_count(types[i]); k++) {
            pw_hash_add(&hash, relative(type, type->values[k]));
        }
        for (uint32_t k = 0; k < type->nfields; k++) {
            pw_hash_add(&hash, relative(type, type->fields[k].type));
            pw_hash_add(&hash, type->fields[k].is_mutable);
        }
    }
    return pw_hash_end(&hash);
}

static bool equal_fields(const pw_deftype *a, const pw_deftype *b)
{
    for (uint32_t i = 0; i < a->nfields; i++) {
        if (a->fields[i].is_mutable != b->fields[i].is_mutable ||
            relative(a, a->fields[i].type) != relative(b, b->fields[i].type)) {
            return false;
        }
    }
    return true;
}

static bool equal_types(const pw_deftype *a, const pw_deftype *b)
{
    if (a->kind != b->kind || a->is_final != b->is_final || a->nfields != b->nfields ||
        a->m3->numRets != b->m3->numRets || a->m3->numArgs != b->m3->numArgs ||
        relative_number(a, a->super) != relative_number(b, b->super)) {
        return false;
    }
    for (uint32_t i = 0; i < value_count(a->m3); i++) {
        if (relative(a, a->values[i]) != relative(b, b->values[i])) {
            return false;
        }
    }
    return equal_fields(a, b);
}

static bool equal_groups(IM3FuncType *a, IM3FuncType *b, uint32_t count)
{
    bool equal = pw_deftype_of(a[0])->group_size == count;
    for (uint32_t i = 0; i < count && equal; i++) {
        equal = equal_types(pw_deftype_of(a[i]), pw_deftype_of(b[i]));
    }
    return equal;
}

/* The place that has an equal group, or else the free place where the group belongs. */
static uint32_t *find_place(const pw_store *store, IM3FuncType *types, uint32_t count)
{
    uint32_t mask = store->type_places_size - 1;
    uint32_t i = (uint32_t)hash_group(types, count) & mask;
    while (store->type_places[i] &&
           !equal_groups(&store->types[store->type_places[i] - 1], types, count)) {
        i = (i + 1) & mask;
    }
    return &store->type_places[i];
}

/* Doubles the table, of which at most half of the places are taken. */
static bool grow_places(pw_store *store)
{
    uint32_t size = store->type_places_size ? 2 * store->type_places_size : 32;
    uint32_t *places = pw_zeroed(size, sizeof *places);
    if (places == NULL) {
        return false;
    }
    free(store->type_places);
    store->type_places = places;
    store->type_places_size = size;
    for (uint32_t id = 0; id < store->ntypes;) {
        uint32_t count = pw_deftype_of(store->types[id])->group_size;
        *find_place(store, &store->types[id], count) = id + 1;
        id += count;
    }
    return true;
}

static bool make_room(pw_store *store, uint32_t count)
{
    while ((uint64_t)store->type_places_size < 2 * ((uint64_t)store->ntypes + count)) {
        if (!grow_places(store)) {
            return false;
        }
    }
    if (store->types_capacity < store->type_places_size) {
        IM3FuncType *types = realloc(store->types, store->type_places_size * sizeof *types);
        if (types == NULL) {
            return false;
        }
        store->types = types;
        store->types_capacity = store->type_places_size;
    }
    return true;
}

/* Bytes that the store takes for a group: the types, and their entries in its arrays. */
static uint64_t cost_of(const group *g)
{
    uint64_t bytes = 0;
    for (uint32_t i = g->first; i < g->first + g->count; i++) {
        uint32_t nvalues = value_count(g->types[i]);
        const block_parts parts = parts_of(definition_of(g, i), nvalues);
        bytes += size_of(&parts, nvalues) + 2 * sizeof(IM3FuncType) + 4 * sizeof(uint32_t);
    }
    return bytes;
}

/* Writes the list of a type's supertypes, which are all in the store, or before it in its group. */
static void note_ancestors(const pw_store *store, pw_deftype *type)
{
    if (type->super != PW_NO_INDEX) {
        const pw_deftype *super = pw_deftype_of(store->types[type->super]);
        memcpy(type->ancestors, super->ancestors, type->depth * sizeof *type->ancestors);
    }
    type->ancestors[type->depth] = type;
}

/* Adds a group to the store, and charges it. The types are transferred to the store's environment,
 * which keeps them as long as the store lives: other types can refer to them by their numbers. */
static bool add_group(pw_store *store, const group *g)
{
    if (!pw_account_charge(store->account, PW_CHARGE_OTHER, cost_of(g))) {
        return false;
    }
    for (uint32_t i = g->first; i < g->first + g->count; i++) {
        IM3FuncType type = g->types[i];
        type->next = store->environment->funcTypes;
        store->environment->funcTypes = type;
        store->types[store->ntypes++] = type;
        note_ancestors(store, own_deftype_of(type));
    }
    return true;
}

static pw_code intern_group(pw_store *store, const group *g)
{
    if (!make_room(store, g->count)) {
        return PW_NO_MEMORY;
    }
    pw_code code = make_group(g);
    if (code != PW_OK) {
        return code;
    }
    IM3FuncType *types = &g->types[g->first];
    uint32_t *place = find_place(store, types, g->count);
    if (!*place) {
        uint32_t id = store->ntypes;
        if (!add_group(store, g)) {
            forget_group(g);
            return PW_LIMIT;
        }
        *place = id + 1;
    } else {
        forget_group(g);
        memcpy(types, &store->types[*place - 1], g->count * sizeof(IM3FuncType));
    }
    return PW_OK;
}

/* ---- groups of a module ---------------------------------------------------------------------- */

/* Groups that are equal within the module have a common canonical one, so only that one is looked
 * up. */
pw_code pw_store_intern(pw_store *store, const pw_module *module, IM3FuncType *types,
                        pw_error *error)
{
    const pw_module_info *info = &module->info;
    group g = {.store = store, .info = info, .typedefs = module->typedefs, .types = types};
    for (; g.first < info->ntypes; g.first += g.count) {
        const pw_typedef *definition = &module->typedefs[g.first];
        g.count = 1;
        if (definition->canonical != g.first) {
            types[g.first] = types[definition->canonical];
            continue;
        }
        g.count = definition->group_size;
        if (error != NULL && g.first % 1024 == 0 && !pw_may_go_on(&store->meter, error)) {
            return PW_TRAPPED;
        }
        pw_code code = intern_group(store, &g);
        if (code != PW_OK) {
            return code;
        }
    }
    return PW_OK;
}

/* The type is a group of its own. */
pw_code pw_store_intern_one(pw_store *store, const pw_functype *type, IM3FuncType *result)
{
    const pw_module_info info = {.ntypes = 1, .types = type};
    const group g = {.store = store, .info = &info, .types = result, .count = 1};
    *result = NULL;
    return intern_group(store, &g);
}

/* ---- value types ----------------------------------------------------------------------------- */

pw_valtype pw_resolve_type(const pw_instance *instance, pw_valtype type)
{
    if (!(type & PW_CONCRETE)) {
        return type;
    }
    return (type & ~(pw_valtype)PW_HEAP_MASK) | pw_instance_type(instance, type & PW_HEAP_MASK)->id;
}

const pw_deftype *pw_instance_type(const pw_instance *instance, uint32_t index)
{
    return pw_deftype_of(instance->m3->funcTypes[index]);
}

const pw_deftype *pw_referred_type(const pw_store *store, pw_valtype resolved)
{
    uint32_t id = resolved & PW_HEAP_MASK;
    return (resolved & PW_CONCRETE) && id < store->ntypes ? pw_deftype_of(store->types[id]) : NULL;
}

uint32_t pw_type_cells(IM3FuncType type)
{
    return pw_deftype_of(type)->cells;
}

const pw_valtype *pw_type_params(IM3FuncType type, uint32_t *count)
{
    *count = type->numArgs;
    return pw_deftype_of(type)->values + type->numRets;
}

uint32_t pw_function_cells(const M3Function *function)
{
    return pw_type_cells(function->funcType);
}

pw_valtype pw_function_type(const M3Function *function)
{
    return pw_concrete(pw_deftype_of(function->funcType)->id, false);
}

/* Whether a heap type is a subtype of another one. Both come from resolved types. */
static bool heap_matches(const pw_store *store, uint32_t actual, uint32_t expected)
{
    if (actual == expected) {
        return true;
    }
    const pw_deftype *sub = pw_referred_type(store, actual);
    const pw_deftype *super = pw_referred_type(store, expected);
    if (sub != NULL && super != NULL) {
        return pw_is_subtype(sub, super);
    }
    if (sub != NULL) {
        return pw_abstract_matches(pw_heap_of_kind(sub->kind), expected);
    }
    if (super != NULL) {
        return pw_is_bottom_of(actual, pw_heap_of_kind(super->kind));
    }
    return pw_abstract_matches(actual, expected);
}

bool pw_type_matches(const pw_store *store, pw_valtype actual, pw_valtype expected)
{
    if ((expected & PW_NON_NULL) && !(actual & PW_NON_NULL)) {
        return false;
    }
    return heap_matches(store, pw_heap_type(actual), pw_heap_type(expected));
}

pw_valtype pw_resolved_top(const pw_store *store, pw_valtype resolved)
{
    const pw_deftype *type = pw_referred_type(store, resolved);
    return pw_top_of(type != NULL ? pw_heap_of_kind(type->kind) : pw_heap_type(resolved));
}

/* ---- types of a module that is being linked -------------------------------------------------- */

void pw_store_end_linking(pw_store *store)
{
    free(store->linking.own_types);
    if (store->linking.module != NULL) {
        pw_module_release(store->linking.module);
    }
    memset(&store->linking, 0, sizeof store->linking);
}

void pw_store_forget_types(pw_store *store, IM3FuncType *types)
{
    if (store->linking.types == types) {
        pw_store_end_linking(store);
    }
}

/* The types of a module that has an instance in the store, borrowed from the instance. NULL if it
 * has none. */
static IM3FuncType *find_types(const pw_store *store, const pw_module *module)
{
    const pw_object *object = store->objects[PW_OBJECT_INSTANCE];
    for (; object != NULL; object = object->next) {
        const pw_instance *instance = (const pw_instance *)(const void *)object;
        if (instance->module == module) {
            return instance->m3->funcTypes;
        }
    }
    return NULL;
}

/* Remembers the types of a module, so that the instances are searched once for all imports of the
 * module. */
static bool begin_linking(pw_store *store, pw_module *module)
{
    pw_store_end_linking(store);
    IM3FuncType *types = find_types(store, module);
    if (types == NULL) {
        IM3FuncType *own = pw_zeroed(module->info.ntypes, sizeof *own);
        if (own == NULL || pw_store_intern(store, module, own, NULL) != PW_OK) {
            free(own);
            return false;
        }
        store->linking.own_types = types = own;
    }
    store->linking.types = types;
    store->linking.module = pw_module_retain(module);
    return true;
}

const void *pw_store_type(pw_store *store, pw_module *module, uint32_t type)
{
    if (store->linking.module != module && !begin_linking(store, module)) {
        return NULL;
    }
    return store->linking.types[type];
}
