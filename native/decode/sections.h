/* SPDX-License-Identifier: MIT */
/* The sections of a module, in their order. */
#ifndef PW_SECTIONS_H
#define PW_SECTIONS_H

#include "decode/module.h"

/* cdef: begin */

/* A section of a module. Offsets count from the start of the module's bytes. */
typedef struct {
    const char *name; /* static */
    uint32_t start;   /* offset of the section's id */
    uint32_t offset;  /* offset of the contents */
    uint32_t size;    /* bytes of the contents */
    uint32_t entries; /* how many entries the section has; meaningful only if is_list */
    bool is_list;
    bool is_custom;
} pw_section;

/* Steps to the next section of a module: *section is the one before, and becomes the next one. A
 * zeroed *section stands before the first one. False, and nothing is written, after the last one.
 */
bool pw_module_next_section(const pw_module *module, pw_section *section);

/* cdef: end */

typedef struct pw_decoder pw_decoder;

/* Reads everything that follows the magic number and the version. False with the error set. */
bool pw_read_sections(pw_decoder *decoder);

#endif
