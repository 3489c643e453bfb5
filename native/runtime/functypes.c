/* SPDX-License-Identifier: MIT */
/* Interns function types: within a store, equal types are one pointer, whichever modules they come
 * from.
 *
 * wasm3 has four types of values, and a reference is an i64 to it. Function types with externref,
 * funcref and i64 must nevertheless stay different. So the original types follow wasm3's types in
 * the same block of memory, and types are compared by the original ones. Types are equal if they
 * have the same place in equal recursion groups, most of which have one member:
 * https://webassembly.github.io/spec/core/valid/conventions.html#rolling-and-unrolling */
#include "runtime/functypes.h"
#include "base/hash.h"
#include "base/zeroed.h"

#include <stdlib.h>
#include <string.h>

/* A type index within the same group is replaced by the place in the group, with this bit. */
#define RELATIVE 0x10000000u

typedef struct {
    uint32_t id; /* the type's number in the store; the types of a group follow each other */
    uint32_t group_size; /* how many types the group has; 0 if this type is not its first one */
    uint32_t cells;      /* that the results and parameters take together */
    pw_valtype types[];  /* results, then parameters; type indices are ids or have RELATIVE */
} original;

static uint32_t value_count(const M3FuncType *type)
{
    return (uint32_t)type->numRets + type->numArgs;
}

/* Where the original types begin, in bytes from the start of the block: where wasm3's types end,
 * rounded up. */
static size_t original_offset(uint32_t nvalues)
{
    size_t unit = _Alignof(original);
    return (offsetof(M3FuncType, types) + nvalues + unit - 1) / unit * unit;
}

static original *original_of(IM3FuncType type)
{
    return (original *)(void *)((char *)type + original_offset(value_count(type)));
}

/* ---- from a module's type to the store's ----------------------------------------------------- */

/* A group of types of a module, which are made together: [first, first + count). */
typedef struct {
    const pw_module_info *info;
    IM3FuncType *types; /* the module's types; those before `first` are made already */
    uint32_t first;
    uint32_t count;
} group;

/* Resolves a value type of the group. */
static pw_valtype resolve(const group *g, pw_valtype type)
{
    if (!(type & PW_CONCRETE)) {
        return type;
    }
    uint32_t index = type & PW_HEAP_MASK;
    uint32_t place =
        index >= g->first ? RELATIVE | (index - g->first) : original_of(g->types[index])->id;
    return (type & ~(pw_valtype)PW_HEAP_MASK) | place;
}

static void convert(const group *g, const pw_valtype *types, uint32_t count, uint8_t *engine,
                    pw_valtype *resolved)
{
    for (uint32_t i = 0; i < count; i++) {
        engine[i] = pw_engine_type(types[i]);
        resolved[i] = resolve(g, types[i]);
    }
}

static pw_code make_type(const group *g, uint32_t index)
{
    const pw_functype *type = &g->info->types[index];
    uint32_t nvalues = type->nresults + type->nparams;
    size_t size = original_offset(nvalues) + sizeof(original) + nvalues * sizeof(pw_valtype);
    IM3FuncType made = pw_zeroed(1, size);
    if (made == NULL) {
        return PW_NO_MEMORY;
    }
    made->numRets = (uint16_t)type->nresults;
    made->numArgs = (uint16_t)type->nparams;
    original *o = original_of(made);
    convert(g, type->results, type->nresults, made->types, o->types);
    convert(g, type->params, type->nparams, made->types + type->nresults,
            o->types + type->nresults);
    o->group_size = index == g->first ? g->count : 0;
    o->cells =
        pw_cells_of(type->results, type->nresults) + pw_cells_of(type->params, type->nparams);
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

static uint64_t hash_group(IM3FuncType *types, uint32_t count)
{
    pw_hash hash;
    pw_hash_begin(&hash);
    for (uint32_t i = 0; i < count; i++) {
        const original *o = original_of(types[i]);
        pw_hash_add(&hash, types[i]->numRets | (uint32_t)types[i]->numArgs << 16);
        for (uint32_t k = 0; k < value_count(types[i]); k++) {
            pw_hash_add(&hash, o->types[k]);
        }
    }
    return pw_hash_end(&hash);
}

static bool equal_types(IM3FuncType a, IM3FuncType b)
{
    return a->numRets == b->numRets && a->numArgs == b->numArgs &&
           !memcmp(original_of(a)->types, original_of(b)->types,
                   value_count(a) * sizeof(pw_valtype));
}

static bool equal_groups(IM3FuncType *a, IM3FuncType *b, uint32_t count)
{
    bool equal = original_of(a[0])->group_size == count;
    for (uint32_t i = 0; i < count && equal; i++) {
        equal = equal_types(a[i], b[i]);
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
    for (uint32_t id = 0; id < store->ntypes; id++) {
        uint32_t count = original_of(store->types[id])->group_size;
        if (count) {
            *find_place(store, &store->types[id], count) = id + 1;
        }
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
        bytes += original_offset(nvalues) + sizeof(original) + nvalues * sizeof(pw_valtype) +
                 2 * sizeof(IM3FuncType) + 4 * sizeof(uint32_t);
    }
    return bytes;
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
        original_of(type)->id = store->ntypes;
        type->next = store->environment->funcTypes;
        store->environment->funcTypes = type;
        store->types[store->ntypes++] = type;
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
    group g = {.info = info, .types = types};
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
    const group g = {.info = &info, .types = result, .count = 1};
    *result = NULL;
    return intern_group(store, &g);
}

/* ---- value types ----------------------------------------------------------------------------- */

pw_valtype pw_resolve_type(const pw_instance *instance, pw_valtype type)
{
    if (!(type & PW_CONCRETE)) {
        return type;
    }
    IM3FuncType target = instance->m3->funcTypes[type & PW_HEAP_MASK];
    return (type & ~(pw_valtype)PW_HEAP_MASK) | original_of(target)->id;
}

uint32_t pw_type_cells(IM3FuncType type)
{
    return original_of(type)->cells;
}

const pw_valtype *pw_type_params(IM3FuncType type, uint32_t *count)
{
    *count = type->numArgs;
    return original_of(type)->types + type->numRets;
}

uint32_t pw_function_cells(const M3Function *function)
{
    return pw_type_cells(function->funcType);
}

pw_valtype pw_function_type(const M3Function *function)
{
    return PW_TYPED_REF | PW_NON_NULL | PW_CONCRETE | original_of(function->funcType)->id;
}

/* Whether a heap type is a subtype of another one. Both come from resolved types. */
static bool heap_matches(uint32_t actual, uint32_t expected)
{
    if (actual == expected) {
        return true;
    }
    if (actual & PW_CONCRETE) {
        return expected == PW_FUNCREF;
    }
    switch (actual) {
    case PW_NULLFUNCREF: return expected == PW_FUNCREF || (expected & PW_CONCRETE);
    case PW_NULLEXTERNREF: return expected == PW_EXTERNREF;
    case PW_NULLEXNREF: return expected == PW_EXNREF;
    default: return false;
    }
}

bool pw_type_matches(pw_valtype actual, pw_valtype expected)
{
    if ((expected & PW_NON_NULL) && !(actual & PW_NON_NULL)) {
        return false;
    }
    return heap_matches(pw_heap_type(actual), pw_heap_type(expected));
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

/* The identity of the type that references of a resolved type refer to. */
static const void *referred_type(const pw_store *store, pw_valtype type)
{
    uint32_t id = type & PW_HEAP_MASK;
    return (type & PW_CONCRETE) && id < store->ntypes ? store->types[id] : NULL;
}

const void *pw_table_type_identity(const pw_store *store, const pw_table *table)
{
    return referred_type(store, table->resolved);
}

const void *pw_global_type_identity(const pw_store *store, const pw_global *global)
{
    return referred_type(store, global->resolved);
}
