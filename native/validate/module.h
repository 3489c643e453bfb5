/* SPDX-License-Identifier: MIT */
/* Making modules from bytes, which are checked completely. */
#ifndef PW_VALIDATE_MODULE_H
#define PW_VALIDATE_MODULE_H

#include "decode/module.h"

/* cdef: begin */

/* Copies, decodes and validates the bytes. A valid module that this version cannot run fails with
 * PW_UNSUPPORTED. The module has one reference, which is owned by the caller and given up with
 * pw_module_release. NULL with `error` set. */
pw_module *pw_module_new(const uint8_t *bytes, size_t size, pw_error *error);
/* Decodes and validates the bytes, and keeps nothing. The module may use features that this version
 * cannot run. The bytes must not change meanwhile. False with `error` set. */
bool pw_module_validate(const uint8_t *bytes, size_t size, pw_error *error);
/* Makes a module that can only be looked at: it may use features that this version cannot run, and
 * pw_instance_new refuses it. In all else this is pw_module_new. */
pw_module *pw_module_list(const uint8_t *bytes, size_t size, pw_error *error);

/* cdef: end */

#endif
