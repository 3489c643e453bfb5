/* SPDX-License-Identifier: MIT */
#include "module.h"

#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "limits.h"

static const uint8_t magic[4] = {0x00, 0x61, 0x73, 0x6d};
static const uint8_t version[4] = {0x01, 0x00, 0x00, 0x00};

/* Four bytes that must be as given. */
static bool expect(pw_reader *r, const char *what, const uint8_t *expected, const char *phrase)
{
    uint32_t offset = pw_reader_offset(r);
    const uint8_t *data;
    if (!pw_read_bytes(r, what, 4, &data)) {
        return false;
    }
    if (memcmp(data, expected, 4) != 0) {
        return pw_fail(r->error, PW_MALFORMED, offset,
                       "%s: the %s is %02x %02x %02x %02x, not %02x %02x %02x %02x", phrase, what,
                       data[0], data[1], data[2], data[3], expected[0], expected[1], expected[2],
                       expected[3]);
    }
    return true;
}

/* https://webassembly.github.io/spec/core/binary/modules.html#binary-module */
static bool read_module(pw_decoder *d)
{
    return expect(&d->reader, "magic number", magic, "magic header not detected") &&
           expect(&d->reader, "version", version, "unknown binary version") &&
           pw_read_sections(d) && pw_check_code_count(d) && pw_check_export_names(d) &&
           pw_read_names(d);
}

/* An error of validation comes before one of support. */
static bool decode(pw_module *module, uint32_t runnable, pw_error *error)
{
    pw_decoder d = {.module = module, .function = PW_NO_INDEX, .unrunnable = ~runnable};
    pw_error_clear(&d.unsupported);
    pw_reader_init(&d.reader, module->info.bytes, (size_t)module->info.size, error);
    bool valid = read_module(&d);
    pw_end_types(&d);
    pw_free_validator(&d.v);
    if (valid && d.unsupported.code != PW_OK) {
        *error = d.unsupported;
        return false;
    }
    return valid;
}

/* A module without contents but the bytes, which stay the caller's. */
static pw_module *new_module(const uint8_t *bytes, size_t size)
{
    pw_module *module = calloc(1, sizeof *module);
    if (module == NULL) {
        return NULL;
    }
    atomic_init(&module->references, 1);
    pw_arena_init(&module->arena);
    module->info.start = PW_NO_INDEX;
    module->info.size = size;
    module->info.bytes = bytes;
    return module;
}

static void free_module(pw_module *module)
{
    pw_arena_free(&module->arena);
    free(module);
}

static pw_module *read_bytes(const uint8_t *bytes, size_t size, uint32_t runnable, pw_error *error)
{
    pw_module *module = new_module(bytes, size);
    if (module == NULL) {
        pw_fail(error, PW_NO_MEMORY, 0, "out of memory: a module of %zu bytes", size);
        return NULL;
    }
    if (!decode(module, runnable, error)) {
        free_module(module);
        return NULL;
    }
    return module;
}

static bool check_size(size_t size, pw_error *error)
{
    pw_error_clear(error);
    return size <= PW_MAX_MODULE_SIZE ||
           pw_fail(error, PW_LIMIT, 0,
                   "too many: the module has %zu bytes, but at most %u are supported", size,
                   PW_MAX_MODULE_SIZE);
}

/* A module with a copy of the bytes. */
static pw_module *read_copy(const uint8_t *bytes, size_t size, uint32_t runnable, pw_error *error)
{
    if (!check_size(size, error)) {
        return NULL;
    }
    uint8_t *copy = malloc(size + (size == 0));
    if (copy == NULL) {
        pw_fail(error, PW_NO_MEMORY, 0, "out of memory: a module of %zu bytes", size);
        return NULL;
    }
    if (size != 0) {
        memcpy(copy, bytes, size);
    }
    pw_module *module = read_bytes(copy, size, runnable, error);
    if (module == NULL) {
        free(copy);
    }
    return module;
}

pw_module *pw_module_new(const uint8_t *bytes, size_t size, pw_error *error)
{
    return read_copy(bytes, size, PW_RUNNABLE_FEATURES, error);
}

pw_module *pw_module_list(const uint8_t *bytes, size_t size, pw_error *error)
{
    pw_module *module = read_copy(bytes, size, PW_FEATURE_ALL, error);
    if (module != NULL) {
        module->is_listing = true;
    }
    return module;
}

bool pw_module_validate(const uint8_t *bytes, size_t size, pw_error *error)
{
    if (!check_size(size, error)) {
        return false;
    }
    pw_module *module = read_bytes(bytes, size, PW_FEATURE_ALL, error);
    if (module == NULL) {
        return false;
    }
    free_module(module);
    return true;
}

pw_module *pw_module_retain(pw_module *module)
{
    atomic_fetch_add_explicit(&module->references, 1, memory_order_relaxed);
    return module;
}

void pw_module_release(pw_module *module)
{
    if (atomic_fetch_sub_explicit(&module->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    free((void *)(uintptr_t)module->info.bytes);
    free_module(module);
}

const pw_module_info *pw_module_get_info(const pw_module *module)
{
    return &module->info;
}

pw_name pw_module_function_name(const pw_module *module, uint32_t function)
{
    if (function >= module->info.nfunctions) {
        return (pw_name){0};
    }
    return module->function_names[function];
}

uint32_t pw_module_count(const pw_module *module, pw_externkind kind)
{
    switch (kind) {
    case PW_EXTERN_FUNC: return module->info.nfunctions;
    case PW_EXTERN_TABLE: return module->ntables;
    case PW_EXTERN_MEMORY: return module->nmemories;
    case PW_EXTERN_GLOBAL: return module->nglobals;
    default: return module->ntags;
    }
}

pw_externtype pw_module_extern(const pw_module *module, pw_externkind kind, uint32_t index)
{
    pw_externtype type = {.kind = kind};
    switch (kind) {
    case PW_EXTERN_FUNC: type.type_index = module->info.function_types[index]; break;
    case PW_EXTERN_TABLE:
        type.valtype = module->tables[index].type;
        type.limits = module->tables[index].limits;
        break;
    case PW_EXTERN_MEMORY: type.limits = module->memories[index].limits; break;
    case PW_EXTERN_GLOBAL:
        type.valtype = module->globals[index].type;
        type.is_mutable = module->globals[index].is_mutable;
        break;
    default: type.type_index = module->tags[index].type_index; break;
    }
    return type;
}

pw_body pw_module_body(const pw_module *module, uint32_t function)
{
    if (function < module->nimported_functions || function >= module->info.nfunctions) {
        return (pw_body){0};
    }
    return module->codes[function - module->nimported_functions];
}
