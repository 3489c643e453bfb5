/* SPDX-License-Identifier: MIT */
/* From bytes to a module that was checked completely. */
#ifndef PW_VALIDATE_MODULE_H
#define PW_VALIDATE_MODULE_H

#include "decode/module.h"

/* cdef: begin */

/* Decodes and validates a copy of the bytes; a valid module that this version cannot run is
 * PW_UNSUPPORTED. Owned by caller, counted: pw_module_release. NULL with error set. */
pw_module *pw_module_new(const uint8_t *bytes, size_t size, pw_error *error);
/* Decodes and validates only, whatever this version can run. The bytes must not change meanwhile.
 */
bool pw_module_validate(const uint8_t *bytes, size_t size, pw_error *error);
/* As pw_module_new, whatever this version can run: to be looked at. pw_instance_new refuses it. */
pw_module *pw_module_list(const uint8_t *bytes, size_t size, pw_error *error);

/* cdef: end */

#endif
