/* SPDX-License-Identifier: MIT */
/* Tags. */
#include "base/limits.h"
#include "base/zeroed.h"
#include "runtime/deftypes.h"

#include <stdlib.h>

static bool check(const pw_functype *type, pw_error *error)
{
    return type->nparams <= PW_MAX_PARAMS ||
           pw_fail(error, PW_LIMIT, 0,
                   "too many: a tag has %u parameters, but at most %u are supported",
                   (unsigned)type->nparams, PW_MAX_PARAMS);
}

pw_tag *pw_tag_new(pw_store *store, const pw_functype *type, pw_error *error)
{
    if (!check(type, error)) {
        return NULL;
    }
    pw_tag *tag = pw_zeroed(1, sizeof *tag);
    pw_code code = tag != NULL ? pw_store_intern_one(store, type, &tag->type) : PW_NO_MEMORY;
    if (code != PW_OK) {
        free(tag);
        pw_fail(error, code, 0, "%s",
                code == PW_LIMIT ? "tag too large: its type needs more memory than the limits leave"
                                 : "out of memory: cannot allocate a tag");
        return NULL;
    }
    pw_store_add(store, PW_OBJECT_TAG, &tag->object);
    return tag;
}

const void *pw_tag_type_identity(const pw_tag *tag)
{
    return tag->type;
}
