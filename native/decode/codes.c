/* SPDX-License-Identifier: MIT */
/* The code section (10): the sizes of function bodies, and the declarations of their locals.
 * https://webassembly.github.io/spec/core/binary/modules.html#code-section */
#include "decode/codes.h"
#include "base/limits.h"
#include "decode/valtypes.h"

bool pw_begin_codes(pw_decoder *d, uint32_t count)
{
    d->codes_offset = pw_reader_offset(&d->reader);
    d->codes = pw_decode_alloc(d, count, sizeof *d->codes);
    d->module->codes = d->codes;
    return d->codes != NULL;
}

/* Reads the size of an entry, which the reader of the entry must then keep within. */
static bool read_size(pw_decoder *d, uint32_t *size)
{
    pw_reader *r = &d->reader;
    uint32_t offset = pw_reader_offset(r);
    if (!pw_read_u32(r, "size of a function", size)) {
        return false;
    }
    if (*size > pw_reader_left(r)) {
        return pw_fail(r->error, PW_MALFORMED, offset,
                       "length out of bounds: a function has %u byte%s, but the %s has %zu left",
                       *size, pw_plural(*size), r->unit, pw_reader_left(r));
    }
    if (*size > PW_MAX_FUNCTION_SIZE) {
        return pw_fail(r->error, PW_LIMIT, offset,
                       "too many: a function has %u bytes, but at most %u are supported", *size,
                       PW_MAX_FUNCTION_SIZE);
    }
    return true;
}

static bool check_local_count(pw_decoder *d, uint32_t offset, uint64_t nlocals, uint64_t nparams)
{
    if (nlocals > UINT32_MAX) {
        return pw_fail(
            d->reader.error, PW_MALFORMED, offset,
            "too many locals: a function has %llu locals, but their number must fit 32 bits",
            (unsigned long long)nlocals);
    }
    if (nlocals + nparams > PW_MAX_LOCALS) {
        return pw_fail(
            d->reader.error, PW_LIMIT, offset,
            "too many locals: a function has %llu locals including its parameters, but at most "
            "%u are supported",
            (unsigned long long)(nlocals + nparams), PW_MAX_LOCALS);
    }
    return true;
}

static bool read_locals(pw_decoder *d, const pw_functype *type)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    uint32_t ngroups;
    uint64_t total = 0; /* cannot overflow: fewer than 2^32 groups of fewer than 2^32 locals */
    if (!pw_read_count(&d->reader, "count of local groups", 2, UINT32_MAX, &ngroups)) {
        return false;
    }
    d->checker->begin_locals(d, type);
    for (uint32_t i = 0; i < ngroups; i++) {
        uint32_t count;
        pw_valtype local;
        if (!pw_read_u32(&d->reader, "count of locals", &count) ||
            !pw_read_valtype(d, "type of locals", &local)) {
            return false;
        }
        total += count;
        if (total <= PW_MAX_LOCALS && !d->checker->add_locals(d, count, local)) {
            return false;
        }
    }
    return check_local_count(d, offset, total, type->nparams);
}

/* The type of the function that a body belongs to. If there are more bodies than functions, the
 * body has no type; its instructions are not checked, because pw_check_code_count refuses the
 * module. */
static const pw_functype *type_of(const pw_decoder *d, uint32_t function)
{
    static const pw_functype nothing;
    if (function >= d->module->info.nfunctions) {
        return &nothing;
    }
    return &d->types[d->function_types[function]];
}

static bool read_body(pw_decoder *d, uint32_t function)
{
    const pw_functype *type = type_of(d, function);
    return read_locals(d, type) &&
           (function >= d->module->info.nfunctions || d->checker->check_body(d, type));
}

static bool read_entry(pw_decoder *d, uint32_t function)
{
    pw_body *body = &d->codes[d->ncodes];
    uint32_t size;
    body->start = pw_reader_offset(&d->reader);
    if (!read_size(d, &size)) {
        return false;
    }
    body->body = pw_reader_offset(&d->reader);
    body->end = body->body + size;
    pw_reader outer = d->reader;
    d->reader = pw_reader_part(&outer, "function", size);
    if (!read_body(d, function)) {
        return false;
    }
    d->reader = outer;
    d->reader.pos += size;
    return true;
}

bool pw_read_code(pw_decoder *d)
{
    uint32_t function = d->module->nimported_functions + d->ncodes;
    d->function = function;
    if (!read_entry(d, function)) {
        d->reader.error->function = function;
        return false;
    }
    d->function = PW_NO_INDEX;
    d->ncodes++;
    return true;
}

bool pw_check_code_count(pw_decoder *d)
{
    uint32_t declared = d->module->info.nfunctions - d->module->nimported_functions;
    if (d->ncodes == declared) {
        return true;
    }
    return pw_fail(d->reader.error, PW_MALFORMED, d->codes_offset,
                   "function and code section have inconsistent lengths: %u function%s declared, "
                   "but there %s %u bod%s",
                   declared, declared == 1 ? " is" : "s are", d->ncodes == 1 ? "is" : "are",
                   d->ncodes, d->ncodes == 1 ? "y" : "ies");
}
