/* SPDX-License-Identifier: MIT */
/* The names of exports. */
#ifndef PW_EXPORTS_H
#define PW_EXPORTS_H

#include "decode/decoder.h"

/* Checks that no two exports have the same name. False with the error set. */
bool pw_check_export_names(pw_decoder *decoder);

#endif
