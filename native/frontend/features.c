/* SPDX-License-Identifier: MIT */
#include "features.h"

#include <stdarg.h>
#include <stdio.h>

#include "decode.h"

const char *pw_feature_name(pw_feature feature)
{
#define PW_WORDS(name, words) words,
    static const char *const names[] = {PW_FEATURES(PW_WORDS)};
#undef PW_WORDS
    unsigned number = 0;
    while ((unsigned)feature >> number > 1) {
        number++;
    }
    return names[number];
}

void pw_note_unsupported(pw_decoder *d, pw_feature feature, uint32_t offset, const char *format,
                         ...)
{
    char what[128];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    d->unsupported.function = d->unsupported.code == PW_OK ? d->function : d->unsupported.function;
    pw_fail(&d->unsupported, PW_UNSUPPORTED, offset, "not supported: %s (%s)",
            pw_feature_name(feature), what);
}
