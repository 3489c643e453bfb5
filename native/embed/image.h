/* SPDX-License-Identifier: MIT */
/* The image of a snapshot: everything that an instance can change of itself, as bytes. snapshot.c
 * writes images, and restore.c reads them.
 *
 * An image consists of 64-bit words in the machine's byte order, followed by bytes of memory:
 *   the word PW_IMAGE_MAGIC;
 *   1 if imported memories, tables and globals are part of the snapshot, or else 0;
 *   for each memory: its size in pages, the number of its runs, and the offset and the size in
 *     bytes of each run, a run being a part of the memory that is not all zero;
 *   for each mutable global: its cells, of which one that is a reference is replaced by its code;
 *   for each table: its size, and the code of each element;
 *   a bit for each element segment, which is set if the segment is empty, as a dropped one is;
 *   the same bits for the data segments, in whole words;
 *   the bytes of the runs, memory after memory.
 *
 * The code of a reference is 0 for null. For a function, the code 1 + i is function i of the
 * instance, and each larger code is a function of another instance: 1 + nfunctions + i is the one
 * at pw_snapshot.functions[i], where nfunctions is how many functions the instance has. For an
 * external reference, the code 1 + i is the one at pw_snapshot.externs[i]. References of other
 * types are always null. */
#ifndef PW_IMAGE_H
#define PW_IMAGE_H

#include "runtime/store.h"

/* A machine of the other byte order reads another number. */
#define PW_IMAGE_MAGIC 0x31706e73337977f0u

/* These three say whether the image has a memory, a global or a table of an instance. `imported`
 * says whether it has those that are imported. */
static inline bool pw_image_has_memory(const pw_instance *instance, uint32_t index, bool imported)
{
    return imported || !instance->module->memories[index].imported;
}

static inline bool pw_image_has_global(const pw_instance *instance, uint32_t index, bool imported)
{
    const pw_globaldef *definition = &instance->module->globals[index];
    return definition->is_mutable && (imported || !definition->imported);
}

static inline bool pw_image_has_table(const pw_instance *instance, uint32_t index, bool imported)
{
    return imported || !instance->module->tables[index].imported;
}

#endif
