/* SPDX-License-Identifier: MIT */
/* Validates instructions on locals and globals, and keeps track of the types of locals and of which
 * of them have been assigned. */
#include "validate/variables.h"
#include "base/limits.h"
#include "validate/operands.h"

#include <stdlib.h>
#include <string.h>

/* ---- locals ---------------------------------------------------------------------------------- */

void pw_begin_locals(pw_decoder *d, const pw_functype *type)
{
    pw_validator *v = pw_validator_of(d);
    v->type = type;
    v->nlocals = type->nparams;
    v->nfast = type->nparams < PW_FAST_LOCALS ? type->nparams : PW_FAST_LOCALS;
    v->ngroups = 0;
    if (v->nfast != 0) {
        memcpy(v->fast, type->params, v->nfast * sizeof *v->fast);
    }
}

bool pw_add_locals(pw_decoder *d, uint32_t count, pw_valtype type)
{
    pw_validator *v = pw_validator_of(d);
    if (count == 0) {
        return true;
    }
    v->nlocals += count;
    while (v->nfast < v->nlocals && v->nfast < PW_FAST_LOCALS) {
        v->fast[v->nfast++] = type;
    }
    if (v->ngroups == v->groups_capacity) {
        void *groups = v->groups;
        bool grown = pw_decode_grow(d, &groups, &v->groups_capacity, v->ngroups + 1, PW_MAX_LOCALS,
                                    sizeof *v->groups);
        v->groups = groups;
        if (!grown) {
            return false;
        }
    }
    v->groups[v->ngroups++] = (pw_localgroup){v->nlocals, type};
    return true;
}

PW_NOINLINE static pw_valtype find_local(const pw_validator *v, uint32_t index)
{
    if (index < v->type->nparams) {
        return v->type->params[index];
    }
    uint32_t low = 0;
    uint32_t high = v->ngroups - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (index < v->groups[middle].end) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return v->groups[low].type;
}

static bool read_local(pw_validator *v, uint32_t *index, pw_valtype *type)
{
    if (!pw_read_index(v, "local index", index)) {
        return false;
    }
    if (*index < v->nfast) {
        *type = v->fast[*index];
        return true;
    }
    if (*index >= v->nlocals) {
        return pw_fail_index(&v->decoder, "local", pw_at(v), *index, v->nlocals);
    }
    *type = find_local(v, *index);
    return true;
}

/* ---- locals that must be assigned before use ------------------------------------------------- */

static bool is_assigned(const pw_validator *v, uint32_t index)
{
    return index < v->type->nparams ||
           (v->is_assigned != NULL && (v->is_assigned[index / 8] >> index % 8 & 1) != 0);
}

PW_NOINLINE static bool check_assigned(pw_validator *v, uint32_t index)
{
    return is_assigned(v, index) ||
           pw_fail(
               v->decoder.reader.error, PW_INVALID, pw_at(v),
               "uninitialized local: local %u has no value yet, and its type has no default value",
               index);
}

/* Notes that a local has a value. pw_forget_assigned clears all bits at the end of each body. */
PW_NOINLINE static bool assign(pw_validator *v, uint32_t index)
{
    if (is_assigned(v, index)) {
        return true;
    }
    if (v->is_assigned == NULL) {
        v->is_assigned = calloc(PW_MAX_LOCALS / 8 + 1, 1);
        if (v->is_assigned == NULL) {
            return pw_fail(v->decoder.reader.error, PW_NO_MEMORY, pw_at(v),
                           "out of memory: cannot allocate the set of assigned locals");
        }
    }
    if (v->nassigned == v->assigned_capacity) {
        void *assigned = v->assigned;
        bool grown = pw_decode_grow(&v->decoder, &assigned, &v->assigned_capacity, v->nassigned + 1,
                                    PW_MAX_LOCALS, sizeof *v->assigned);
        v->assigned = assigned;
        if (!grown) {
            return false;
        }
    }
    v->assigned[v->nassigned++] = index;
    v->is_assigned[index / 8] |= (uint8_t)(1u << index % 8);
    return true;
}

void pw_forget_assigned(pw_validator *v, uint32_t kept)
{
    while (v->nassigned > kept) {
        uint32_t index = v->assigned[--v->nassigned];
        v->is_assigned[index / 8] &= (uint8_t)~(1u << index % 8);
    }
}

/* ---- local.get, local.set, local.tee --------------------------------------------------------- */

bool pw_check_local_get(pw_validator *v)
{
    uint32_t index;
    pw_valtype type;
    return read_local(v, &index, &type) && (pw_is_defaultable(type) || check_assigned(v, index)) &&
           pw_push(v, type);
}

bool pw_check_local_set(pw_validator *v)
{
    uint32_t index;
    pw_valtype type;
    return read_local(v, &index, &type) && pw_pop(v, type) &&
           (pw_is_defaultable(type) || assign(v, index));
}

bool pw_check_local_tee(pw_validator *v)
{
    uint32_t index;
    pw_valtype type;
    return read_local(v, &index, &type) && pw_pop(v, type) && pw_push(v, type) &&
           (pw_is_defaultable(type) || assign(v, index));
}

/* ---- global.get, global.set ------------------------------------------------------------------ */

bool pw_check_global_get(pw_validator *v)
{
    uint32_t index;
    if (!pw_read_space_index(v, PW_EXTERN_GLOBAL, "global index", &index)) {
        return false;
    }
    if (v->constant && v->decoder.globals[index].is_mutable) {
        return pw_fail(v->decoder.reader.error, PW_INVALID, pw_at(v),
                       "constant expression required: global %u is mutable", index);
    }
    return pw_push(v, v->decoder.globals[index].type);
}

bool pw_check_global_set(pw_validator *v)
{
    uint32_t index;
    if (!pw_read_space_index(v, PW_EXTERN_GLOBAL, "global index", &index)) {
        return false;
    }
    if (!v->decoder.globals[index].is_mutable) {
        return pw_fail(v->decoder.reader.error, PW_INVALID, pw_at(v),
                       "immutable global: global.set cannot write to global %u", index);
    }
    return pw_pop(v, v->decoder.globals[index].type);
}
