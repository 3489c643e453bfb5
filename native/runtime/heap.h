/* SPDX-License-Identifier: MIT */
/* The heap of a store, where structures, arrays and exceptions live.
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

/* Bytes of an array of a type. */
static inline size_t pw_array_size(const pw_deftype *type, uint32_t length)
{
    return PW_ARRAY_HEADER + ((size_t)length << type->fields->log2);
}

/* The kind of pw_exception_type. */
#define PW_TYPE_EXCEPTION 3

/* What code throws: see exception.h. Its type is pw_exception_type of allocate.h. */
struct pw_exception {
    pw_heap_object object;
    const pw_tag *tag; /* NULL: an exception of the host that has no tag and no values */
    uint64_t host;     /* the external reference to the host's exception; 0: wasm threw it */
    uint32_t ncells;
    uint64_t cells[]; /* the values, whose types are the parameters of the tag */
};

/* The object that a reference to one refers to. */
static inline pw_heap_object *pw_object_at(uint64_t ref)
{
    return (pw_heap_object *)(uintptr_t)(ref - PW_HEAP_TAG);
}

/* ---- pools and blocks ------------------------------------------------------------------------ */

/* Bytes, and the alignment, of a block. */
#define PW_BLOCK ((uintptr_t)1 << 16)
/* Bytes that are handed out before the first collection, and at least between two others. */
#define PW_HEAP_MIN_ADDED ((size_t)1 << 20)
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
    pw_chunk *chunks;  /* the memory that contains the blocks */
    size_t allocated;  /* bytes that were handed out since the last collection */
    size_t collect_at; /* the number of bytes at which the next collection takes place */
    size_t live;       /* bytes that the last collection has reached */

    pw_block *pending_blocks; /* these two are used during a collection */
    pw_large *pending_large;
    uint32_t steps; /* of the collection since the last call of the poll hook */
    bool stopped;   /* the running call must end: the collection is given up */

    uint64_t *handles; /* references that the embedder holds, and free places: see handles.c */
    uint32_t nhandles;
    uint32_t handle_capacity;
    uint32_t free_handle; /* the first free place, or PW_NO_HANDLE */
#ifdef PW_GC_STRESS
    uint64_t allocations; /* how many there were */
#endif
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

#endif
