/* SPDX-License-Identifier: MIT */
/* A bounds-checked cursor over a module's bytes.
 *
 * In each function that reads, `what` names in errors what is read. The cursor moves and the output
 * is written only on success. On failure, the result is false, and the error has the offset at
 * which the reading began.
 */
#ifndef PW_READER_H
#define PW_READER_H

#include "base/error.h"

typedef struct {
    const uint8_t *base;  /* start of the module: offsets count from here */
    const uint8_t *pos;   /* the cursor */
    const uint8_t *end;   /* end of the unit: of the module, a section or a function */
    const uint8_t *limit; /* end of the module */
    const char *unit;     /* names the unit in errors, such as "import section"; static */
    pw_error *error;      /* borrowed */
} pw_reader;

/* Makes a reader of the module bytes[0 .. size). The bytes and the error are borrowed. */
void pw_reader_init(pw_reader *reader, const uint8_t *bytes, size_t size, pw_error *error);

/* The byte offset of the cursor in the module. */
uint32_t pw_reader_offset(const pw_reader *reader);
/* How many bytes are left up to the end of the unit. */
size_t pw_reader_left(const pw_reader *reader);

/* A reader of the next `size` bytes of `outer`, which are a unit of their own and must be left in
 * `outer`. The cursor of `outer` stays. */
pw_reader pw_reader_part(const pw_reader *outer, const char *unit, size_t size);

/* Reads one byte. */
bool pw_read_byte(pw_reader *reader, const char *what, uint8_t *value);
/* Reads `size` bytes. *data is borrowed from the module. */
bool pw_read_bytes(pw_reader *reader, const char *what, size_t size, const uint8_t **data);
/* Reads a little-endian number of `size` bytes, at most 8. */
bool pw_read_fixed(pw_reader *reader, const char *what, size_t size, uint64_t *value);

/* These read LEB128 integers strictly: a number may have no more bytes than its width needs, and
 * the unused bits of its last byte must repeat the sign, or be 0 if it is unsigned. */
bool pw_read_u32(pw_reader *reader, const char *what, uint32_t *value);
bool pw_read_u64(pw_reader *reader, const char *what, uint64_t *value);
bool pw_read_s32(pw_reader *reader, const char *what, int32_t *value);
bool pw_read_s33(pw_reader *reader, const char *what, int64_t *value);
bool pw_read_s64(pw_reader *reader, const char *what, int64_t *value);

/* Reads the length of a list whose entries take at least `entry_size` bytes each. The list may not
 * be longer than fits into the rest of the unit plus one entry: reading that entry gives the more
 * helpful error. More than `max` entries fail with PW_LIMIT. */
bool pw_read_count(pw_reader *reader, const char *what, size_t entry_size, uint32_t max,
                   uint32_t *count);

/* Reads a name: its length, and as many bytes, which must be valid UTF-8. The name is borrowed from
 * the module. */
bool pw_read_name(pw_reader *reader, const char *what, pw_name *name);

#endif
