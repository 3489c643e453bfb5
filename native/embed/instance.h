/* SPDX-License-Identifier: MIT */
/* Freeing instances; pw.h has the rest of what can be done with them. */
#ifndef PW_INSTANCE_H
#define PW_INSTANCE_H

#include "runtime/objects.h"

/* Frees an instance, which must no longer be in the list of its store. */
void pw_instance_free(pw_instance *instance);

#endif
