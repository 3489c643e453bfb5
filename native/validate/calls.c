/* SPDX-License-Identifier: MIT */
/* Validates calls:
 * https://webassembly.github.io/spec/core/valid/instructions.html#control-instructions */
#include "validate/control.h"
#include "validate/operands.h"

static bool call(pw_validator *v, const pw_functype *type)
{
    return pw_pop_types(v, type->params, type->nparams) &&
           pw_push_types(v, type->results, type->nresults);
}

/* Checks a tail call: the results of the callee must be results of the function that makes the
 * call. */
static bool tail_call(pw_validator *v, const pw_functype *type)
{
    const pw_functype *own = v->type;
    if (!pw_pop_types(v, type->params, type->nparams) ||
        !pw_check_types(v, type->results, type->nresults, own->results, own->nresults)) {
        return false;
    }
    pw_set_unreachable(v);
    return true;
}

static bool read_callee(pw_validator *v, const pw_functype **type)
{
    uint32_t function;
    if (!pw_read_space_index(v, PW_EXTERN_FUNC, "function index", &function)) {
        return false;
    }
    *type = &v->decoder.types[v->decoder.function_types[function]];
    return true;
}

bool pw_check_call(pw_validator *v)
{
    const pw_functype *type;
    return read_callee(v, &type) && call(v, type);
}

bool pw_check_return_call(pw_validator *v)
{
    const pw_functype *type;
    return read_callee(v, &type) && tail_call(v, type);
}

/* Reads the type and the table of an indirect call, and pops the index into the table. */
static bool read_indirect(pw_validator *v, const pw_functype **type)
{
    uint32_t index;
    uint32_t number;
    if (!pw_read_functypeindex(&v->decoder, &index) ||
        !pw_read_space_index(v, PW_EXTERN_TABLE, "table index", &number)) {
        return false;
    }
    const pw_tabledef *table = &v->decoder.tables[number];
    if (!pw_matches(v->decoder.module->typedefs, table->type, PW_FUNCREF)) {
        return pw_fail(
            v->decoder.reader.error, PW_INVALID, pw_at(v),
            "type mismatch: %s expected a table of functions but table %u has elements of type %s",
            v->op->text, number, pw_valtype_name(table->type).text);
    }
    *type = &v->decoder.types[index];
    return pw_pop(v, pw_address_type(&table->limits));
}

bool pw_check_call_indirect(pw_validator *v)
{
    const pw_functype *type;
    return read_indirect(v, &type) && call(v, type);
}

bool pw_check_return_call_indirect(pw_validator *v)
{
    const pw_functype *type;
    return read_indirect(v, &type) && tail_call(v, type);
}

static bool read_reference(pw_validator *v, const pw_functype **type)
{
    uint32_t index;
    if (!pw_read_functypeindex(&v->decoder, &index)) {
        return false;
    }
    *type = &v->decoder.types[index];
    return pw_pop(v, pw_concrete(v->decoder.module->typedefs[index].canonical, true));
}

bool pw_check_call_ref(pw_validator *v)
{
    const pw_functype *type;
    return read_reference(v, &type) && call(v, type);
}

bool pw_check_return_call_ref(pw_validator *v)
{
    const pw_functype *type;
    return read_reference(v, &type) && tail_call(v, type);
}
