/* SPDX-License-Identifier: MIT */
/* Instances, as the files of this floor share them. */
#ifndef PW_INSTANCE_H
#define PW_INSTANCE_H

#include "embed/pw.h"
#include "runtime/store.h"

/* Puts the imports, one value for each, in front of the index spaces. */
bool pw_link_imports(pw_instance *instance, const pw_extern *imports, pw_error *error);

/* Frees an instance that its store no longer lists. */
void pw_instance_free(pw_instance *instance);

#endif
