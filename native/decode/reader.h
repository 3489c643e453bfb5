/* SPDX-License-Identifier: MIT */
/* A bounds-checked cursor over a module's bytes.
 *
 * Every read says `what` it wants, for the error. The cursor and the output change only on success;
 * a failure fills the error with the offset where the wanted thing begins.
 */
#ifndef PW_READER_H
#define PW_READER_H

#include "base/error.h"

typedef struct {
    const uint8_t *base; /* of the module: offsets count from here */
    const uint8_t *pos;
    const uint8_t *end;   /* of the unit: the module, a section or a function */
    const uint8_t *limit; /* of the module */
    const char *unit;     /* what `end` ends, "import section" */
    pw_error *error;      /* borrowed */
} pw_reader;

/* Reads the module bytes[0 .. size), which are borrowed like error. */
void pw_reader_init(pw_reader *reader, const uint8_t *bytes, size_t size, pw_error *error);

/* Byte offset of the cursor in the module. */
uint32_t pw_reader_offset(const pw_reader *reader);
/* Bytes up to the end of the unit. */
size_t pw_reader_left(const pw_reader *reader);

/* A part of `outer` as a unit of its own, from the cursor on; `size` bytes are left in `outer`. */
pw_reader pw_reader_part(const pw_reader *outer, const char *unit, size_t size);

bool pw_read_byte(pw_reader *reader, const char *what, uint8_t *value);
/* `size` bytes as they stand; *data is borrowed from the module. */
bool pw_read_bytes(pw_reader *reader, const char *what, size_t size, const uint8_t **data);
/* Little-endian, `size` of at most 8 bytes. */
bool pw_read_fixed(pw_reader *reader, const char *what, size_t size, uint64_t *value);

/* LEB128 integers, strict: no longer than needed for the width, unused bits as the sign says. */
bool pw_read_u32(pw_reader *reader, const char *what, uint32_t *value);
bool pw_read_u64(pw_reader *reader, const char *what, uint64_t *value);
bool pw_read_s32(pw_reader *reader, const char *what, int32_t *value);
bool pw_read_s33(pw_reader *reader, const char *what, int64_t *value);
bool pw_read_s64(pw_reader *reader, const char *what, int64_t *value);

/* The length of a list whose entries take at least `entry_size` bytes: no more than fit into the
 * rest of the unit (but for the last one, whose own read fails better), and at most `max`. */
bool pw_read_count(pw_reader *reader, const char *what, size_t entry_size, uint32_t max,
                   uint32_t *count);

/* A length and as many bytes of valid UTF-8, borrowed from the module. */
bool pw_read_name(pw_reader *reader, const char *what, pw_name *name);

#endif
