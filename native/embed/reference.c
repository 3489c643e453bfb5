/* SPDX-License-Identifier: MIT */
/* Structures, arrays and references in the hands of the host. */
#include "embed/reference.h"
#include "runtime/aggregate.h"
#include "runtime/blocks.h"
#include "runtime/collection.h"

/* ---- types ----------------------------------------------------------------------------------- */

static const pw_deftype *type_with(const pw_store *store, uint32_t number)
{
    return pw_deftype_of(store->types[number]);
}

uint32_t pw_type_number(pw_store *store, pw_module *module, uint32_t type)
{
    const void *identity = pw_store_type(store, module, type);
    return identity != NULL ? pw_deftype_of(identity)->id : PW_NO_INDEX;
}

pw_definition pw_type_definition(const pw_store *store, uint32_t number)
{
    const pw_deftype *type = type_with(store, number);
    return (pw_definition){(pw_typekind)type->kind, type->super, type->is_final, type->nfields};
}

pw_field pw_type_field(const pw_store *store, uint32_t number, uint32_t index)
{
    const pw_field_layout *field = &type_with(store, number)->fields[index];
    return (pw_field){field->type, field->is_mutable};
}

bool pw_type_origin(const pw_store *store, uint32_t number, pw_module **module, uint32_t *index)
{
    const pw_deftype *type = type_with(store, number);
    const pw_object *object = store->objects[PW_OBJECT_INSTANCE];
    for (; object != NULL; object = object->next) {
        const pw_instance *instance = (const pw_instance *)(const void *)object;
        for (uint32_t i = 0; i < instance->m3->numFuncTypes; i++) {
            if (pw_instance_type(instance, i) == type) {
                *module = instance->module;
                *index = i;
                return true;
            }
        }
    }
    return false;
}

/* ---- objects that are held ------------------------------------------------------------------- */

static void *held(const pw_store *store, uint32_t handle)
{
    return pw_object_at(pw_reference_held(store, handle));
}

uint32_t pw_held_type(const pw_store *store, uint32_t handle)
{
    const pw_heap_object *object = held(store, handle);
    return object->type->id;
}

/* ---- values ---------------------------------------------------------------------------------- */

uint32_t pw_held_length(const pw_store *store, uint32_t handle)
{
    const pw_array *array = held(store, handle);
    return array->length;
}

uint8_t *pw_held_elements(const pw_store *store, uint32_t handle)
{
    return (uint8_t *)pw_element_at(held(store, handle), 0);
}

/* Where a field or an element is. *log2 says how many bytes it has. */
static char *value_at(const pw_store *store, uint32_t handle, uint32_t index, uint8_t *log2)
{
    pw_heap_object *object = held(store, handle);
    const pw_deftype *type = object->type;
    bool is_array = type->kind == PW_TYPE_ARRAY;
    const pw_field_layout *field = &type->fields[is_array ? 0 : index];
    *log2 = field->log2;
    return is_array ? pw_element_at((pw_array *)(void *)object, index) : pw_field_at(object, field);
}

void pw_held_get(const pw_store *store, uint32_t handle, uint32_t index, uint64_t *cells)
{
    uint8_t log2;
    const char *from = value_at(store, handle, index, &log2);
    pw_read_field(from, log2, cells);
}

void pw_held_set(const pw_store *store, uint32_t handle, uint32_t index, const uint64_t *cells)
{
    uint8_t log2;
    char *to = value_at(store, handle, index, &log2);
    pw_write_field(to, log2, cells);
}

/* ---- new objects ----------------------------------------------------------------------------- */

static bool hold_new(pw_store *store, const void *object, uint32_t *handle)
{
    return object != NULL && pw_reference_hold(store, pw_reference_of(object), handle);
}

bool pw_struct_make(pw_store *store, uint32_t type, uint32_t *handle)
{
    return pw_heap_of(store) != NULL &&
           hold_new(store, pw_struct_new(store, type_with(store, type), NULL), handle);
}

bool pw_array_make(pw_store *store, uint32_t type, uint32_t length, uint32_t *handle)
{
    return pw_heap_of(store) != NULL &&
           hold_new(store, pw_array_new(store, type_with(store, type), length, NULL), handle);
}

void pw_store_collect_heap(pw_store *store)
{
    if (store->heap != NULL && pw_heap_collect(store, NULL)) {
        pw_heap_finish_sweep(store->heap);
    }
}

void pw_store_sweep_heap(pw_store *store)
{
    if (store->heap != NULL) {
        pw_heap_finish_sweep(store->heap);
    }
}

uint64_t pw_store_heap_bytes(const pw_store *store)
{
    return pw_account_used(store->account, PW_CHARGE_HEAP);
}

/* ---- the types of references ----------------------------------------------------------------- */

static pw_valtype type_of(uint64_t ref, bool host)
{
    if (pw_is_i31(ref)) {
        return pw_reference_to(PW_I31REF, false);
    }
    if (pw_is_heap_reference(ref)) {
        return pw_concrete(pw_object_at(ref)->type->id, false);
    }
    return host ? pw_reference_to(PW_ANYREF, false)
                : pw_function_type((const M3Function *)(uintptr_t)ref);
}

/* Resolves a type of a module. False when there is no memory for the types of the module. */
static bool resolve(pw_store *store, pw_module *module, pw_valtype *type)
{
    if (module == NULL || (*type & PW_CONCRETE) == 0) {
        return true;
    }
    uint32_t number = pw_type_number(store, module, *type & PW_HEAP_MASK);
    *type = (*type & ~(pw_valtype)PW_HEAP_MASK) | (number & PW_HEAP_MASK);
    return number != PW_NO_INDEX;
}

bool pw_reference_matches(pw_store *store, uint64_t ref, bool host, pw_valtype type,
                          pw_module *module)
{
    if (ref == 0) {
        return pw_is_nullable(type);
    }
    /* A reference below `any` is also an external one. */
    bool is_extern = pw_heap_type(type) == PW_EXTERNREF;
    return resolve(store, module, &type) &&
           pw_type_matches(store, type_of(ref, host), is_extern ? PW_ANYREF : type);
}

/* ---- imports --------------------------------------------------------------------------------- */

bool pw_func_fits(pw_store *store, const pw_func *func, pw_module *module, uint32_t type)
{
    const void *wanted = pw_store_type(store, module, type);
    const M3Function *function = pw_m3(func);
    return wanted != NULL &&
           pw_is_subtype(pw_deftype_of(function->funcType), pw_deftype_of(wanted));
}

static bool fits(pw_store *store, pw_valtype given, pw_module *module, pw_valtype wanted,
                 bool both_ways)
{
    return given != PW_UNRESOLVED && resolve(store, module, &wanted) &&
           pw_type_matches(store, given, wanted) &&
           (!both_ways || pw_type_matches(store, wanted, given));
}

bool pw_global_fits(pw_store *store, const pw_global *global, pw_module *module, pw_valtype type,
                    bool both_ways)
{
    return fits(store, global->resolved, module, type, both_ways);
}

bool pw_table_fits(pw_store *store, const pw_table *table, pw_module *module, pw_valtype type,
                   bool both_ways)
{
    return fits(store, table->resolved, module, type, both_ways);
}
