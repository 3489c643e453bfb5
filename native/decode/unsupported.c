/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>

#include "decode/decode.h"

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
