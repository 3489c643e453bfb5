/* SPDX-License-Identifier: MIT */
/* The heap of a store: structures, arrays and exceptions, and how they are allocated.
 *
 * Small objects live in *cells* of *blocks* of 64 KiB, all cells of a block having one size. A pool
 * hands out the cells of one size. Large objects are allocated one by one. No object ever moves, so
 * that a reference stays the address of its object. Collections find out which objects live
 * (mark.h, collection.h), and sweeping frees the others (blocks.h). */
#ifndef PW_HEAP_H
#define PW_HEAP_H

#include "runtime/deftypes.h"
#include "runtime/references.h"

/* ---- objects --------------------------------------------------------------------------------- */

/* What every object of the heap begins with. The word is an even number other than 0, and in a free
 * cell it is 0 or odd: so a collection knows them apart. */
typedef struct {
    const pw_deftype *type; /* pw_exception_type for an exception */
} pw_heap_object;

typedef struct {
    pw_heap_object object;
    uint32_t length; /* how many elements there are */
} pw_array;

/* Bytes of an array before its elements. */
#define PW_ARRAY_HEADER 16

/* Bytes of an array of a type. */
static inline size_t pw_array_size(const pw_deftype *type, uint32_t length)
{
    return PW_ARRAY_HEADER + ((size_t)length << type->places->log2);
}

/* The kind of pw_exception_type. */
#define PW_TYPE_EXCEPTION 3

/* The type that exceptions have: a pw_deftype of no module. */
extern const pw_deftype pw_exception_type;

/* The bytes of an object. */
size_t pw_object_size(const pw_heap_object *object);

/* The object that a reference to one refers to. */
static inline pw_heap_object *pw_object_at(uint64_t ref)
{
    return (pw_heap_object *)(uintptr_t)(ref - PW_HEAP_TAG);
}

/* ---- pools and blocks ------------------------------------------------------------------------ */

/* Bytes, and the alignment, of a block. */
#define PW_BLOCK ((uintptr_t)1 << 16)
/* Bytes that are handed out before the first collection, and at least between two others. */
#define PW_HEAP_PATIENCE ((size_t)1 << 20)
/* Bytes of the unit in which cells are measured. */
#define PW_GRANULE 16
#define PW_BLOCK_WORDS (PW_BLOCK / PW_GRANULE / 64)
/* Bytes of the largest small object. */
#define PW_SMALL_OBJECT 4096
/* How many sizes cells have: eight up to 128 bytes, and four more until each doubling. */
#define PW_SIZE_CLASSES 28

typedef struct pw_block pw_block;
typedef struct pw_large pw_large;
typedef struct pw_chunk pw_chunk;

/* The head of a block. The bits are counted in granules from the beginning of the block. */
struct pw_block {
    pw_block *next;                   /* in a list of its pool, or among the free blocks */
    pw_block *next_pending;           /* in the list of blocks that have pending objects */
    uint32_t cell;                    /* bytes of a cell */
    uint16_t first_pending;           /* no word of `pending` before this one has a bit */
    bool is_pending;                  /* it is in the list of pending blocks */
    bool is_dirty;                    /* a free block that may contain anything */
    uint64_t marked[PW_BLOCK_WORDS];  /* objects that a collection has reached */
    uint64_t pending[PW_BLOCK_WORDS]; /* objects whose references are still to be followed */
};

/* The offset of a block's first cell. */
#define PW_FIRST_CELL ((sizeof(pw_block) + PW_GRANULE - 1) / PW_GRANULE * PW_GRANULE)

/* What precedes a large object. The allocator aligns it to 16 bytes, so that a large object begins
 * 8 bytes behind a multiple of 16, and its address tells it from a small one. */
struct pw_large {
    pw_large *next;
    pw_large *next_pending; /* in the list of objects whose references are still to be followed */
    size_t size_and_mark;   /* bytes of the object; the lowest bit says that it is marked */
};

#define PW_LARGE_BIT 8u

/* Free cells that follow each other. It lies in the first of them. */
typedef struct {
    uintptr_t next; /* the address of the next run, or 0; and the lowest bit is set */
    char *end;
} pw_free_run;

/* Hands out the cells of one size. */
typedef struct {
    char *next; /* the cell that is handed out next, unless it is `end` */
    char *end;
    size_t cell;       /* bytes of a cell */
    uintptr_t runs;    /* the first run; 0: there is none */
    pw_block *swept;   /* blocks of which the free cells are known */
    pw_block *unswept; /* blocks whose unmarked cells are still to be freed */
} pw_pool;

/* Ends the list of the free places of handles. */
#define PW_NO_HANDLE 0x7fffffffu

struct pw_heap {
    pw_pool pools[PW_SIZE_CLASSES];
    pw_account *account; /* of the store; borrowed */
    pw_large *large;     /* all large objects */
    pw_block *free;      /* blocks that belong to no pool */
    uint32_t nfree;
    pw_chunk *chunks;
    size_t allocated;  /* bytes that were handed out since the last collection */
    size_t collect_at; /* the number of bytes at which the next collection takes place */
    size_t live;       /* bytes that the last collection has reached */

    pw_block *pending_blocks; /* these two are used during a collection */
    pw_large *pending_large;
    uint32_t steps;
    bool stopped; /* the running call must end: the collection is given up */

    pw_roots *roots;
    uint64_t *handles; /* references that the embedder holds; or a free place, see collection.c */
    uint32_t nhandles;
    uint32_t handle_capacity;
    uint32_t free_handle;
};

/* Which pool has the cells for an object of so many bytes, at most PW_SMALL_OBJECT and not 0. */
static inline unsigned pw_size_class(size_t size)
{
    unsigned last = (unsigned)((size - 1) / PW_GRANULE);
    if (last < 8) {
        return last;
    }
    unsigned shift = 29 - (unsigned)__builtin_clz(last);
    return shift * 4 + (last >> shift);
}

/* ---- allocation ------------------------------------------------------------------------------ */

/* The heap of a store, which is made when the first instance or exception needs it. NULL if there
 * is no memory. */
pw_heap *pw_heap_of(pw_store *store);
/* Frees the heap with all its objects. */
void pw_heap_free(pw_store *store);

/* Gives a cell when the pool of the class has none at hand. `used` is the end of what running code
 * uses of the value stack, where a collection looks for references; NULL: no code runs. NULL if the
 * limits of the store or the system leave no memory, or if the running call must end. */
void *pw_heap_refill(pw_store *store, unsigned size_class, const uint64_t *used);
/* Allocates a large object, which is zero. */
void *pw_heap_new_large(pw_store *store, size_t size, const uint64_t *used);

/* Allocates an object of so many bytes, whose fields have no meaning yet unless it is large: then
 * they are zero. The store must have its heap. No collection may take place before the fields that
 * contain references have been written. */
static inline void *pw_heap_new(pw_store *store, const pw_deftype *type, size_t size,
                                const uint64_t *used)
{
    pw_heap_object *object;
    if (size <= PW_SMALL_OBJECT) {
        unsigned size_class = pw_size_class(size);
        pw_pool *pool = &store->heap->pools[size_class];
        object = (void *)pool->next;
        if (pool->next != pool->end) {
            pool->next += pool->cell;
        } else {
            object = pw_heap_refill(store, size_class, used);
        }
    } else {
        object = pw_heap_new_large(store, size, used);
    }
    if (object != NULL) {
        object->type = type;
    }
    return object;
}

#endif
