/* SPDX-License-Identifier: MIT */
/* The C API that cffi exposes to Python, together with those of the headers included here that have
 * a part for cffi.
 *
 * Three words say who owns a pointer. *Borrowed*: it lives as long as what it comes from. *Owned by
 * caller*: the caller frees it. *Transferred on success*: the callee owns it, unless it fails.
 * A function that can fail returns NULL, false or a code, and fills `error`. A store, and
 * everything in it, may be used by one thread at a time. Modules do not change, and threads may
 * share them.
 */
#ifndef PW_H
#define PW_H

#include "base/error.h"
#include "base/hash.h"
#include "decode/listing.h"
#include "decode/module.h"
#include "decode/sections.h"
#include "runtime/objects.h"
#include "validate/module.h"

/* cdef: begin */

/* The value for an import. For PW_EXTERN_HOST, `object` is given to the host-call hook. */
typedef struct {
    pw_externkind kind;
    void *object; /* a pw_func, pw_table, pw_memory, pw_global or pw_tag, borrowed; or the host's
                     own */
} pw_extern;

/* The limits of a store. */
typedef struct {
    uint64_t stack;  /* bytes of the value stack; a small number is rounded up */
    uint64_t memory; /* bytes that all memories together may have */
    uint64_t table;  /* elements that all tables together may have; at most PW_MAX_TABLE_SIZE */
    uint64_t heap;   /* bytes that structures, arrays and exceptions together may have */
    uint64_t total;  /* bytes of everything that the store allocates for its guests */
} pw_store_limits;

/* Makes a store. It is owned by the caller, who gives it to pw_store_free. NULL with `error` set.
 */
pw_store *pw_store_new(const pw_store_limits *limits, pw_error *error);
/* Makes a store with the limits of another one, which both together must keep to. Any thread may
 * call this while the other store exists. */
pw_store *pw_store_new_beside(const pw_store *store, pw_error *error);
/* Frees a store with everything in it. Memories that somebody else has retained live on. */
void pw_store_free(pw_store *store);

/* These five give what an instance has at an index, borrowed from it. The index counts in
 * the module's index space for the kind, and must be in range. */
pw_func *pw_instance_func(pw_instance *instance, uint32_t index);
pw_table *pw_instance_table(pw_instance *instance, uint32_t index);
pw_memory *pw_instance_memory(pw_instance *instance, uint32_t index);
pw_global *pw_instance_global(pw_instance *instance, uint32_t index);
pw_tag *pw_instance_tag(pw_instance *instance, uint32_t index);

/* Bytes that the store has allocated for its guests. */
uint64_t pw_store_allocated(const pw_store *store);

/* ---- functions ------------------------------------------------------------------------------- */

/* The type of a function, borrowed from its module. Type indices in it are those of the module. */
const pw_functype *pw_func_type(const pw_func *func);
/* The instance that a function belongs to, borrowed from the store. */
pw_instance *pw_func_instance(const pw_func *func);
/* The module that a function belongs to, borrowed from the store. */
pw_module *pw_func_module(const pw_func *func);
/* The index of a function in its module. */
uint32_t pw_func_index(const pw_func *func);
/* The identity of a function's type, as pw_store_type gives it. */
const void *pw_func_type_identity(const pw_func *func);

/* A frame of a trap. */
typedef struct {
    uint32_t function; /* index of the function in its module */
    uint32_t offset;   /* byte offset of the instruction in the module; PW_NO_INDEX if unknown */
    pw_name name;      /* borrowed from the module */
    pw_module *module; /* borrowed from the store */
} pw_frame;

/* Writes the frames of the last trap, innermost first, and returns how many it wrote: at most
 * `capacity`. A deep trap has only its innermost and its outermost frames: *omitted frames are
 * missing after the first *head ones. */
uint32_t pw_store_frames(const pw_store *store, pw_frame *frames, uint32_t capacity, uint32_t *head,
                         uint64_t *omitted);
/* Says why the last call ended with PW_TRAP_UNSUPPORTED. The text is borrowed from the store. */
const char *pw_store_message(const pw_store *store);

/* ---- snapshots ------------------------------------------------------------------------------- */

/* Everything that an instance can change of itself: its memory, its mutable globals, its tables,
 * which segments are dropped, and the structures and arrays that it refers to. */
typedef struct {
    uint8_t *image; /* in the byte order of this machine; native/embed/image.h has the format */
    uint64_t size;  /* bytes of the image */
    /* References whose bits mean nothing outside of the process: the image has their positions in
     * these arrays instead. `functions` are those of other instances (pw_func). None is null. */
    uint64_t *externs;
    uint64_t nexterns;
    uint64_t *functions;
    uint64_t nfunctions;
} pw_snapshot;

/* Takes a snapshot. This, and the two functions that copy or restore one, end early with PW_TRAPPED
 * if a deadline of the embedder has passed. If `imported` is set, imported memories, tables and
 * mutable globals are part of it. The contents of *snapshot are owned by the caller, who gives them
 * to pw_snapshot_free. False with `error` set: PW_SNAPSHOT if the instance refers to something that
 * no snapshot can have, or that others refer to, too; PW_NO_MEMORY. */
bool pw_instance_save(pw_instance *instance, bool imported, pw_snapshot *snapshot, pw_error *error);
/* Takes a snapshot with what is imported, and has the instance keep its structures and arrays, for
 * pw_instance_restore_kept. It does not matter who refers to them besides. */
bool pw_instance_keep(pw_instance *instance, pw_snapshot *snapshot, pw_error *error);
/* Whether a global, a table or an element segment of the instance refers to a structure, an array
 * or an exception. */
bool pw_instance_refers_to_heap(const pw_instance *instance);
/* Copies the image of a snapshot, snapshot->size bytes. */
bool pw_snapshot_copy_image(const pw_instance *instance, const pw_snapshot *snapshot, uint8_t *to,
                            pw_error *error);
/* Frees what a snapshot contains, but not the struct itself. */
void pw_snapshot_free(pw_snapshot *snapshot);
/* Gives an instance the state of a snapshot, which may come from any instance of the same module
 * and from another process. Structures and arrays are made anew: what referred to those that the
 * instance had before still does. The image can be any bytes: one that does not fit fails with
 * PW_SNAPSHOT and changes nothing. If a deadline passes, some parts may have the new state and
 * others the old one. The references must be of this instance's store. No call may be
 * running in the store. */
bool pw_instance_restore(pw_instance *instance, const pw_snapshot *snapshot, pw_error *error);
/* Does what pw_instance_restore does, but makes no new structures and arrays: those that the
 * instance keeps get their values back. The snapshot must be equal to the one that pw_instance_keep
 * has taken last. */
bool pw_instance_restore_kept(pw_instance *instance, const pw_snapshot *snapshot, pw_error *error);

/* ---- the engine ------------------------------------------------------------------------------ */

/* The version of wasm3, static. */
const char *pw_engine_version(void);

/* The functions that the extension with the CPython types calls: see api.h. The table is static. */
typedef struct pw_api pw_api;
const pw_api *pw_get_api(void);

/* cdef: end */

#endif
