/* SPDX-License-Identifier: MIT */
/* Linear memories, inside the engine. */
#ifndef PW_MEMORY_H
#define PW_MEMORY_H

#include "runtime/store.h"

M3MemoryHeader *pw_memory_header(const pw_memory *memory);
/* Makes sure that it can have so many pages; its size stays. False beyond its maximum, or without
 * memory. */
bool pw_memory_make_room(pw_memory *memory, uint64_t pages);
/* Gives it so many pages, which there is room for. The new ones are zero. Those that it loses can
 * still be read and written through views, and are zero at first. */
void pw_memory_resize(pw_memory *memory, uint64_t pages);
/* Makes bytes zero, within the memory. */
void pw_memory_clear(pw_memory *memory, uint64_t offset, uint64_t size);

#endif
