/* SPDX-License-Identifier: MIT */
/* Linear memories, for the layers above; the host sees them through objects.h. */
#ifndef PW_MEMORY_H
#define PW_MEMORY_H

#include "runtime/shared.h"
#include "runtime/store.h"

/* Bytes that are read or written in a fraction of a millisecond, also if the pages are new. */
#define PW_MEMORY_PIECE (1u << 20)

/* The header that wasm3's operations use, which lies right before the memory's bytes; borrowed. */
M3MemoryHeader *pw_memory_header(const pw_memory *memory);
/* The memory with which the code of a store reaches the bytes of a memory; one reference, owned by
 * the caller. It is another pw_memory only if the memory is shared and was made by another store.
 * NULL with `error` set when there is no address space. */
pw_memory *pw_memory_for(pw_store *store, pw_memory *memory, pw_error *error);
/* Whether no other store uses the memory now. */
bool pw_memory_is_own(const pw_memory *memory);
/* What threads wait at; the memory must be shared. Borrowed. */
const pw_mapping *pw_memory_mapping(const pw_memory *memory);

/* The next three are for memories that are not shared. */

/* Makes sure that the memory can have this many pages. Its size stays the same. False when that is
 * more than its maximum, or when there is no memory. */
bool pw_memory_make_room(pw_memory *memory, uint64_t pages);
/* Gives the memory this many pages, for which pw_memory_make_room must have succeeded. New pages
 * are zero. Pages that the memory loses become zero; views made before can still read and write
 * them.
 */
void pw_memory_resize(pw_memory *memory, uint64_t pages);
/* Makes `size` bytes from `offset` on zero. They must lie within the memory. */
void pw_memory_clear(pw_memory *memory, uint64_t offset, uint64_t size);

/* Copies bytes in pieces, for work that is not part of a call. False with `error` set if the work
 * must end. */
bool pw_copy_bytes(const pw_store *store, uint8_t *to, const uint8_t *from, uint64_t size,
                   pw_error *error);

#endif
