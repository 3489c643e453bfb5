/* SPDX-License-Identifier: MIT */
/* Makes modules: decodes and validates their bytes. */
#include "validate/module.h"
#include "base/limits.h"
#include "decode/decode.h"
#include "validate/body.h"

#include <stdlib.h>
#include <string.h>

static bool decode(pw_module *module, uint32_t runnable, pw_error *error)
{
    pw_validator v = {.decoder = {.checker = &pw_validating_checker}};
    bool valid = pw_decode_module(&v.decoder, module, runnable, error);
    pw_free_validator(&v);
    return valid;
}

static pw_module *read_bytes(const uint8_t *bytes, size_t size, uint32_t runnable, pw_error *error)
{
    pw_module *module = pw_module_allocate(bytes, size);
    if (module == NULL) {
        pw_fail(error, PW_NO_MEMORY, 0, "out of memory: cannot allocate a module of %zu bytes",
                size);
        return NULL;
    }
    if (!decode(module, runnable, error)) {
        pw_module_free(module);
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

/* Makes a module that owns a copy of the bytes. */
static pw_module *read_copy(const uint8_t *bytes, size_t size, uint32_t runnable, pw_error *error)
{
    if (!check_size(size, error)) {
        return NULL;
    }
    uint8_t *copy = malloc(size + (size == 0));
    if (copy == NULL) {
        pw_fail(error, PW_NO_MEMORY, 0, "out of memory: cannot allocate a module of %zu bytes",
                size);
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
    pw_module_free(module);
    return true;
}
