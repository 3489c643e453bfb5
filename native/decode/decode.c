/* SPDX-License-Identifier: MIT */
/* Reads a module: its header, its sections, and the names in them. */
#include "decode/decode.h"
#include "decode/codes.h"
#include "decode/exports.h"
#include "decode/names.h"
#include "decode/sections.h"
#include "decode/typesection.h"

#include <string.h>

static const uint8_t magic[4] = {0x00, 0x61, 0x73, 0x6d};
static const uint8_t version[4] = {0x01, 0x00, 0x00, 0x00};

/* Reads four bytes, which must be the expected ones. */
static bool expect(pw_reader *r, const char *what, const uint8_t *expected, const char *phrase)
{
    uint32_t offset = pw_reader_offset(r);
    const uint8_t *data;
    if (!pw_read_bytes(r, what, 4, &data)) {
        return false;
    }
    if (memcmp(data, expected, 4) != 0) {
        return pw_fail(r->error, PW_MALFORMED, offset,
                       "%s: the %s is %02x %02x %02x %02x, but must be %02x %02x %02x %02x", phrase,
                       what, data[0], data[1], data[2], data[3], expected[0], expected[1],
                       expected[2], expected[3]);
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

bool pw_decode_module(pw_decoder *d, pw_module *module, uint32_t runnable, pw_error *error)
{
    d->module = module;
    d->function = PW_NO_INDEX;
    d->unrunnable = ~runnable;
    pw_error_clear(&d->unsupported);
    pw_reader_init(&d->reader, module->info.bytes, (size_t)module->info.size, error);
    bool valid = read_module(d);
    pw_end_types(d);
    if (valid && d->unsupported.code != PW_OK) {
        *error = d->unsupported;
        return false;
    }
    return valid;
}
