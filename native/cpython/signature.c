/* SPDX-License-Identifier: MIT */
/* The kinds of value types. */
#include "cpython/signature.h"

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
    case PW_EXNREF:
    case PW_NULLEXNREF: return (pw_kind)(kind | PW_KIND_EXN);
    default: return (pw_kind)(kind | PW_KIND_OTHER);
    }
}
