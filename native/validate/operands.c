/* SPDX-License-Identifier: MIT */
/* The operand stack of the validator: pushing, popping and comparing types. */
#include "validate/operands.h"
#include "base/limits.h"

#include <string.h>

bool pw_grow_operands(pw_validator *v, uint32_t more)
{
    uint64_t need = (uint64_t)v->noperands + more;
    if (need > PW_MAX_OPERANDS) {
        return pw_fail(
            v->decoder.reader.error, PW_LIMIT, pw_at(v),
            "too many: a function has %llu operands on its stack, but at most %u are supported",
            (unsigned long long)need, PW_MAX_OPERANDS);
    }
    void *operands = v->operands;
    bool grown = pw_decode_grow(&v->decoder, &operands, &v->operands_capacity, (uint32_t)need,
                                PW_MAX_OPERANDS, sizeof *v->operands);
    v->operands = operands;
    return grown;
}

/* ---- messages -------------------------------------------------------------------------------- */

typedef struct {
    char text[80];
} typelist;

/* Types as a message shows them, such as "[i32 f64]". Types that do not fit are left out. */
static typelist show(const pw_valtype *types, uint32_t count)
{
    typelist list = {"["};
    size_t size = 1;
    for (uint32_t i = 0; i < count; i++) {
        pw_typename name = pw_valtype_name(types[i]);
        size_t length = strlen(name.text);
        if (size + length + 6 > sizeof list.text) {
            memcpy(list.text + size, " ...", 4);
            size += 4;
            break;
        }
        if (i > 0) {
            list.text[size++] = ' ';
        }
        memcpy(list.text + size, name.text, length);
        size += length;
    }
    list.text[size] = ']';
    list.text[size + 1] = 0;
    return list;
}

PW_NOINLINE static bool fail_empty(pw_validator *v, const char *expected)
{
    return pw_fail(v->decoder.reader.error, PW_INVALID, pw_at(v),
                   "type mismatch: %s expected %s but the stack is empty", v->op->text, expected);
}

PW_NOINLINE bool pw_fail_operand(pw_validator *v, const char *expected, pw_valtype actual)
{
    return pw_fail(v->decoder.reader.error, PW_INVALID, pw_at(v),
                   "type mismatch: %s expected %s but got %s", v->op->text, expected,
                   pw_valtype_name(actual).text);
}

/* `noperands` is the number of operands before any was popped. */
PW_NOINLINE static bool fail_operands(pw_validator *v, const pw_valtype *types, uint32_t count,
                                      uint32_t noperands)
{
    uint32_t shown = noperands - v->height < count ? noperands - v->height : count;
    return pw_fail(v->decoder.reader.error, PW_INVALID, pw_at(v),
                   "type mismatch: instruction requires %s but stack has %s (%s)",
                   show(types, count).text, show(&v->operands[noperands - shown], shown).text,
                   v->op->text);
}

/* ---- comparing types ------------------------------------------------------------------------- */

bool pw_charge_comparisons(pw_validator *v, uint64_t count)
{
    v->comparisons += count;
    uint64_t allowed = PW_COMPARISONS + (uint64_t)pw_at(v) * PW_COMPARISONS_PER_BYTE;
    return v->comparisons <= allowed ||
           pw_fail(v->decoder.reader.error, PW_LIMIT, pw_at(v),
                   "too many: the code up to here needs %llu comparisons of operands with "
                   "supertypes of theirs, but at most %llu are supported",
                   (unsigned long long)v->comparisons, (unsigned long long)allowed);
}

/* How many comparisons it counts as to find out whether a type matches another one: pw_matches may
 * have to look at each declared supertype. */
static uint32_t comparisons(const pw_validator *v, pw_valtype actual)
{
    return (actual & PW_CONCRETE) == 0
               ? 1
               : 1 + v->decoder.module->typedefs[actual & PW_HEAP_MASK].depth;
}

/* ---- taking operands ------------------------------------------------------------------------- */

/* Takes the topmost operand. In unreachable code, an empty stack gives a value of unknown type;
 * otherwise the result is false when the stack is empty. */
static bool take(pw_validator *v, pw_valtype *type)
{
    if (v->noperands == v->height) {
        *type = PW_BOTTOM;
        return pw_is_unreachable(v);
    }
    *type = v->operands[--v->noperands];
    return true;
}

bool pw_pop_other(pw_validator *v, pw_valtype expected)
{
    pw_valtype actual;
    if (!take(v, &actual)) {
        return fail_empty(v, pw_valtype_name(expected).text);
    }
    v->comparisons += comparisons(v, actual);
    return pw_matches(v->decoder.module->typedefs, actual, expected) ||
           pw_fail_operand(v, pw_valtype_name(expected).text, actual);
}

bool pw_pop_any(pw_validator *v, pw_valtype *type)
{
    return take(v, type) || fail_empty(v, "a value");
}

bool pw_pop_reference(pw_validator *v, pw_valtype *type)
{
    if (!take(v, type)) {
        return fail_empty(v, "a reference");
    }
    if (*type == PW_BOTTOM) {
        *type = PW_BOTTOM_REF;
    }
    return pw_is_reference(*type) || pw_fail_operand(v, "a reference", *type);
}

/* In unreachable code, the stack gives all operands that are missing at its bottom. */
bool pw_pop_other_types(pw_validator *v, const pw_valtype *types, uint32_t count)
{
    uint32_t before = v->noperands;
    uint32_t there = before - v->height;
    if (there < count && pw_is_unreachable(v) &&
        (there == 0 ||
         memcmp(&v->operands[v->height], &types[count - there], there * sizeof *types) == 0)) {
        v->noperands = v->height;
        return true;
    }
    uint64_t compared = 0;
    for (uint32_t i = count; i > 0; i--) {
        pw_valtype actual;
        if (!take(v, &actual) || !pw_matches(v->decoder.module->typedefs, actual, types[i - 1])) {
            return fail_operands(v, types, count, before);
        }
        compared += comparisons(v, actual);
        if (v->noperands == v->height && pw_is_unreachable(v)) {
            break;
        }
    }
    return pw_charge_comparisons(v, compared);
}

bool pw_pop_types(pw_validator *v, const pw_valtype *types, uint32_t count)
{
    if (count == 0) {
        return true;
    }
    if (v->noperands - v->height >= count &&
        memcmp(&v->operands[v->noperands - count], types, count * sizeof *types) == 0) {
        v->noperands -= count;
        return true;
    }
    return pw_pop_other_types(v, types, count);
}

bool pw_push_types(pw_validator *v, const pw_valtype *types, uint32_t count)
{
    if (count == 0) {
        return true;
    }
    if (v->operands_capacity - v->noperands < count && !pw_grow_operands(v, count)) {
        return false;
    }
    memcpy(&v->operands[v->noperands], types, count * sizeof *types);
    v->noperands += count;
    return true;
}

bool pw_check_types(pw_validator *v, const pw_valtype *actual, uint32_t nactual,
                    const pw_valtype *expected, uint32_t nexpected)
{
    bool same = nactual == nexpected;
    if (same && (nactual == 0 || memcmp(actual, expected, nactual * sizeof *actual) == 0)) {
        return true;
    }
    uint64_t compared = 0;
    for (uint32_t i = 0; same && i < nactual; i++) {
        same = pw_matches(v->decoder.module->typedefs, actual[i], expected[i]);
        compared += comparisons(v, actual[i]);
    }
    return same ? pw_charge_comparisons(v, compared)
                : pw_fail(v->decoder.reader.error, PW_INVALID, pw_at(v),
                          "type mismatch: %s expected %s but got %s", v->op->text,
                          show(expected, nexpected).text, show(actual, nactual).text);
}

bool pw_check_type(pw_validator *v, pw_valtype actual, pw_valtype expected)
{
    return pw_matches(v->decoder.module->typedefs, actual, expected) ||
           pw_fail_operand(v, pw_valtype_name(expected).text, actual);
}
