/* SPDX-License-Identifier: MIT */
/* Calls, parametric instructions and globals:
 * https://webassembly.github.io/spec/core/valid/instructions.html */
#include "validate.h"

/* ---- calls ----------------------------------------------------------------------------------- */

static bool call(pw_decoder *d, const pw_functype *type)
{
    return pw_pop_types(d, type->params, type->nparams) &&
           pw_push_types(d, type->results, type->nresults);
}

/* The callee returns what the function does. */
static bool tail_call(pw_decoder *d, const pw_functype *type)
{
    const pw_functype *own = d->v.type;
    if (!pw_pop_types(d, type->params, type->nparams) ||
        !pw_check_types(d, type->results, type->nresults, own->results, own->nresults)) {
        return false;
    }
    pw_set_unreachable(d);
    return true;
}

static bool read_callee(pw_decoder *d, const pw_functype **type)
{
    uint32_t function;
    if (!pw_read_space_index(d, PW_EXTERN_FUNC, "function index", &function)) {
        return false;
    }
    *type = &d->types[d->function_types[function]];
    return true;
}

bool pw_check_call(pw_decoder *d)
{
    const pw_functype *type;
    return read_callee(d, &type) && call(d, type);
}

bool pw_check_return_call(pw_decoder *d)
{
    const pw_functype *type;
    return read_callee(d, &type) && tail_call(d, type);
}

/* A type and a table; the index into it is popped. */
static bool read_indirect(pw_decoder *d, const pw_functype **type)
{
    uint32_t index;
    uint32_t number;
    if (!pw_read_functypeindex(d, &index) ||
        !pw_read_space_index(d, PW_EXTERN_TABLE, "table index", &number)) {
        return false;
    }
    const pw_tabledef *table = &d->tables[number];
    if (!pw_matches(d->module->typedefs, table->type, PW_FUNCREF)) {
        return pw_fail(d->reader.error, PW_INVALID, pw_at(d),
                       "type mismatch: %s expected a table of functions but table %u is of %s",
                       d->v.op->text, number, pw_valtype_name(table->type).text);
    }
    *type = &d->types[index];
    return pw_pop(d, pw_address_type(&table->limits));
}

bool pw_check_call_indirect(pw_decoder *d)
{
    const pw_functype *type;
    return read_indirect(d, &type) && call(d, type);
}

bool pw_check_return_call_indirect(pw_decoder *d)
{
    const pw_functype *type;
    return read_indirect(d, &type) && tail_call(d, type);
}

static bool read_reference(pw_decoder *d, const pw_functype **type)
{
    uint32_t index;
    if (!pw_read_functypeindex(d, &index)) {
        return false;
    }
    *type = &d->types[index];
    return pw_pop(d, pw_concrete(d->module->typedefs[index].canonical, true));
}

bool pw_check_call_ref(pw_decoder *d)
{
    const pw_functype *type;
    return read_reference(d, &type) && call(d, type);
}

bool pw_check_return_call_ref(pw_decoder *d)
{
    const pw_functype *type;
    return read_reference(d, &type) && tail_call(d, type);
}

/* ---- parametric instructions ----------------------------------------------------------------- */

bool pw_check_drop(pw_decoder *d)
{
    pw_valtype type;
    return pw_pop_any(d, &type);
}

/* Without a type, only numbers and vectors can be selected. */
bool pw_check_select(pw_decoder *d)
{
    pw_valtype second;
    pw_valtype first;
    if (!pw_pop(d, PW_I32) || !pw_pop_any(d, &second) || !pw_pop_any(d, &first)) {
        return false;
    }
    if (pw_is_reference(first) || pw_is_reference(second)) {
        return pw_fail_operand(d, "a number or vector", pw_is_reference(first) ? first : second);
    }
    if (first == PW_BOTTOM) {
        return pw_push(d, second);
    }
    return pw_check_type(d, second, first) && pw_push(d, first);
}

bool pw_check_select_typed(pw_decoder *d)
{
    uint32_t count;
    pw_valtype type;
    if (!pw_read_index(d, "type count", &count)) {
        return false;
    }
    if (count != 1) {
        return pw_fail(d->reader.error, PW_INVALID, pw_at(d),
                       "invalid result arity: select expected 1 type but got %u", count);
    }
    return pw_read_valtype(d, "type of select", &type) && pw_pop(d, PW_I32) && pw_pop(d, type) &&
           pw_pop(d, type) && pw_push(d, type);
}

/* ---- globals --------------------------------------------------------------------------------- */

bool pw_check_global_get(pw_decoder *d)
{
    uint32_t index;
    if (!pw_read_space_index(d, PW_EXTERN_GLOBAL, "global index", &index)) {
        return false;
    }
    if (d->v.constant && d->globals[index].is_mutable) {
        return pw_fail(d->reader.error, PW_INVALID, pw_at(d),
                       "constant expression required: global %u is mutable", index);
    }
    return pw_push(d, d->globals[index].type);
}

bool pw_check_global_set(pw_decoder *d)
{
    uint32_t index;
    if (!pw_read_space_index(d, PW_EXTERN_GLOBAL, "global index", &index)) {
        return false;
    }
    if (!d->globals[index].is_mutable) {
        return pw_fail(d->reader.error, PW_INVALID, pw_at(d),
                       "immutable global: global.set expected a mutable one, but %u is not", index);
    }
    return pw_pop(d, d->globals[index].type);
}
