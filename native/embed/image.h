/* SPDX-License-Identifier: MIT */
/* The image of a snapshot: everything that an instance can change of itself, as bytes. snapshot.c
 * writes images, and restore.c reads them.
 *
 * An image consists of 64-bit words in the machine's byte order, followed by bytes of memory:
 *   the word PW_IMAGE_MAGIC;
 *   1 if imported memories, tables and globals are part of the snapshot, or else 0;
 *   the number of objects, and for each object the module's lowest index of its type in the low
 *     half of a word, and the length of an array in the high half;
 *   for each memory: its size in pages, the number of its runs, and the offset and the size in
 *     bytes of each run, a run being a part of the memory that is not all zero;
 *   for each mutable global: its cells, of which one that is a reference is replaced by its code;
 *   for each immutable global whose type is a reference, in the same order with the others: its
 *     code if it refers to an object, or else 0, because it then has what the module says;
 *   for each table: its size, and the code of each element;
 *   a bit for each element segment, which is set if the segment is empty, as a dropped one is;
 *   the same bits for the data segments, in whole words;
 *   for each element segment that is not empty and whose items were evaluated when the instance was
 *     made: the code of each item;
 *   for each object: the cells of its fields or elements, coded like those of globals; but an array
 *     of numbers has its bytes here, in whole words;
 *   the bytes of the runs, memory after memory.
 *
 * The objects are the structures and arrays of the heap that can be reached. They are numbered in
 * the order in which the image names them first, so that equal states have equal images.
 *
 * The code of a reference is 0 for null. For a function, the code 1 + i is function i of the
 * instance, and each larger code is a function of another instance: 1 + nfunctions + i is the one
 * at pw_snapshot.functions[i], where nfunctions is how many functions the instance has. Other codes
 * have the tags of references.h. An i31 is its own code. The object i has the code 8 * (1 + i) +
 * PW_HEAP_TAG. The object of the host at pw_snapshot.externs[i] has the code 8 * (1 + i). A
 * reference to an exception is always null. */
#ifndef PW_IMAGE_H
#define PW_IMAGE_H

#include "runtime/store.h"

/* A machine of the other byte order reads another number. */
#define PW_IMAGE_MAGIC 0x32706e73337977f0u

/* These three say whether the image has a memory, a global or a table of an instance. `imported`
 * says whether it has those that are imported. */
static inline bool pw_image_has_memory(const pw_instance *instance, uint32_t index, bool imported)
{
    return imported || !instance->module->memories[index].imported;
}

static inline bool pw_image_has_global(const pw_instance *instance, uint32_t index, bool imported)
{
    const pw_globaldef *definition = &instance->module->globals[index];
    return (definition->is_mutable || pw_is_reference(definition->type)) &&
           (imported || !definition->imported);
}

static inline bool pw_image_has_table(const pw_instance *instance, uint32_t index, bool imported)
{
    return imported || !instance->module->tables[index].imported;
}

/* The code of the object of the heap with a number. */
static inline uint64_t pw_image_object_code(uint32_t number)
{
    return ((uint64_t)number + 1) << 3 | PW_HEAP_TAG;
}

/* The number of the object of the heap that a code is for. A damaged image can have a code for
 * which there is no object. */
static inline uint64_t pw_image_object_number(uint64_t code)
{
    return (code >> 3) - 1;
}

/* The code of the object of the host at pw_snapshot.externs[number]. */
static inline uint64_t pw_image_extern_code(uint64_t number)
{
    return (number + 1) << 3;
}

/* Words that the bytes of an array of numbers take. */
static inline uint64_t pw_image_words(uint64_t bytes)
{
    return (bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t);
}

/* So many cells are saved or restored between two looks at the clock. */
#define PW_IMAGE_PIECE 16384

#endif
