/* SPDX-License-Identifier: MIT */
/* The kinds of value types. */
#include "cpython/signature.h"

#include "cpython/state.h"
#include "embed/reference.h"

pw_kind pw_kind_of(pw_valtype type)
{
    if (type >= PW_V128 && type <= PW_I32) {
        return (pw_kind)type;
    }
    int kind = type & PW_NON_NULL ? PW_KIND_NON_NULL : 0;
    if (type & PW_CONCRETE) {
        return (pw_kind)(kind | PW_KIND_FUNC);
    }
    switch (type & PW_HEAP_MASK) {
    case PW_FUNCREF: return (pw_kind)(kind | PW_KIND_FUNC);
    case PW_EXTERNREF: return (pw_kind)(kind | PW_KIND_EXTERN);
    case PW_ANYREF:
    case PW_EQREF:
    case PW_I31REF:
    case PW_STRUCTREF:
    case PW_ARRAYREF: return (pw_kind)(kind | PW_KIND_ANY);
    case PW_EXNREF:
    case PW_NULLEXNREF: return (pw_kind)(kind | PW_KIND_EXN);
    default: return (pw_kind)(kind | PW_KIND_OTHER);
    }
}

pw_valtype pw_shown_type(const pw_store_object *store, pw_valtype type)
{
    static const pw_valtype shown[] = {PW_FUNCREF, PW_STRUCTREF, PW_ARRAYREF};
    if ((type & PW_CONCRETE) == 0) {
        return type;
    }
    pw_definition definition = pw_engine->type_definition(store->store, type & PW_HEAP_MASK);
    return pw_reference_to(shown[definition.kind], pw_is_nullable(type));
}
