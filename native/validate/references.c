/* SPDX-License-Identifier: MIT */
/* Validates reference instructions:
 * https://webassembly.github.io/spec/core/valid/instructions.html#reference-instructions */
#include "validate/control.h"
#include "validate/operands.h"

bool pw_check_ref_null(pw_validator *v)
{
    pw_valtype type;
    return pw_read_heaptype(&v->decoder, "type of ref.null", &type) && pw_push(v, type);
}

bool pw_check_ref_is_null(pw_validator *v)
{
    pw_valtype type;
    return pw_pop_reference(v, &type) && pw_push(v, PW_I32);
}

/* In a function body, ref.func may name only functions that something outside of all bodies names,
 * so that a compiler can compile one body without reading the others. */
bool pw_check_ref_func(pw_validator *v)
{
    uint32_t function;
    if (!pw_read_space_index(v, PW_EXTERN_FUNC, "function index", &function)) {
        return false;
    }
    if (v->constant) {
        pw_declare(&v->decoder, function);
    } else if (!pw_is_declared(&v->decoder, function)) {
        return pw_fail(v->decoder.reader.error, PW_INVALID, pw_at(v),
                       "undeclared function reference: no export, global or element segment names "
                       "function %u",
                       function);
    }
    uint32_t type = v->decoder.module->typedefs[v->decoder.function_types[function]].canonical;
    return pw_push(v, pw_concrete(type, false));
}

bool pw_check_ref_eq(pw_validator *v)
{
    return pw_pop(v, PW_EQREF) && pw_pop(v, PW_EQREF) && pw_push(v, PW_I32);
}

static pw_valtype without_null(pw_valtype type)
{
    return pw_reference_to(pw_heap_type(type), false);
}

bool pw_check_ref_as_non_null(pw_validator *v)
{
    pw_valtype type;
    return pw_pop_reference(v, &type) && pw_push(v, without_null(type));
}

bool pw_check_br_on_null(pw_validator *v)
{
    const pw_control *label;
    pw_valtype type;
    uint32_t count;
    if (!pw_read_label(v, &label) || !pw_pop_reference(v, &type)) {
        return false;
    }
    const pw_valtype *types = pw_label_types(label, &count);
    return pw_check_branch(v, types, count) && pw_push(v, without_null(type));
}

/* The branch takes the reference along as its last value. */
bool pw_check_br_on_non_null(pw_validator *v)
{
    const pw_control *label;
    pw_valtype type;
    uint32_t count;
    if (!pw_read_label(v, &label) || !pw_pop_reference(v, &type)) {
        return false;
    }
    const pw_valtype *types = pw_label_types(label, &count);
    if (count == 0) {
        return pw_fail(v->decoder.reader.error, PW_INVALID, pw_at(v),
                       "type mismatch: br_on_non_null expected a label that takes a reference");
    }
    return pw_check_type(v, without_null(type), types[count - 1]) &&
           pw_check_branch(v, types, count - 1);
}
