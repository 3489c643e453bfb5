/* SPDX-License-Identifier: MIT */
/* Linking: the imports of an instance. */
#ifndef PW_LINK_H
#define PW_LINK_H

#include "embed/pw.h"

/* Puts the imports of an instance at the beginning of its index spaces. `imports` has one value for
 * each import of the module, in order. False with `error` set when the type of an import does not
 * match; the instance can then only be freed. */
bool pw_link_imports(pw_instance *instance, const pw_extern *imports, pw_error *error);

#endif
