/* SPDX-License-Identifier: MIT */
/* Instances, as the files of this floor share them. */
#ifndef PW_INSTANCE_H
#define PW_INSTANCE_H

#include "runtime/objects.h"

/* Frees an instance that its store no longer lists. */
void pw_instance_free(pw_instance *instance);

#endif
