/* SPDX-License-Identifier: MIT */
/* The C API of the engine: with the headers that it includes, all that cffi exposes to Python.
 *
 * Ownership words: *borrowed* (lives as long as its parent), *owned by caller* (the caller frees
 * it), *transferred on success*. Functions that can fail return NULL, false or a code, and fill
 * `error`. A store, and everything in it, is used by one thread at a time; modules are immutable
 * and shared.
 */
#ifndef PW_H
#define PW_H

#include "base/error.h"
#include "decode/listing.h"
#include "decode/module.h"
#include "decode/sections.h"
#include "runtime/objects.h"
#include "validate/module.h"

/* cdef: begin */

/* One value for an import. PW_EXTERN_HOST: `object` is handed to the host-call hook. */
typedef struct {
    pw_externkind kind;
    void *object; /* pw_func, pw_table, pw_memory, pw_global, pw_tag: borrowed; or the host's own */
} pw_extern;

typedef struct {
    uint64_t stack;  /* bytes of the value stack, at least */
    uint64_t memory; /* bytes that each memory may have */
    uint64_t table;  /* elements that each table may have; at most what limits.h allows */
} pw_store_limits;

/* Owned by caller: pw_store_free. */
pw_store *pw_store_new(const pw_store_limits *limits, pw_error *error);
/* Frees the store and its instances; memories that are still retained live on. */
void pw_store_free(pw_store *store);

/* Instantiates up to, but without, the start function. `imports` has one value per import, in
 * order, of checked type. `eager` compiles all functions at once, else each is compiled when it is
 * first called. The instance is borrowed from the store, which retains the module. */
pw_instance *pw_instance_new(pw_store *store, pw_module *module, const pw_extern *imports,
                             bool eager, pw_error *error);
/* Borrowed from the store. The index is in the module's index space and in range. */
pw_func *pw_instance_func(pw_instance *instance, uint32_t index);
pw_table *pw_instance_table(pw_instance *instance, uint32_t index);
pw_memory *pw_instance_memory(pw_instance *instance, uint32_t index);
pw_global *pw_instance_global(pw_instance *instance, uint32_t index);
pw_tag *pw_instance_tag(pw_instance *instance, uint32_t index);

/* ---- functions ------------------------------------------------------------------------------- */

const pw_functype *pw_func_type(const pw_func *func);
pw_instance *pw_func_instance(const pw_func *func);
pw_module *pw_func_module(const pw_func *func);
uint32_t pw_func_index(const pw_func *func);
/* Identity of its type, as pw_store_type has it. */
const void *pw_func_type_identity(const pw_func *func);

typedef struct {
    uint32_t function; /* index in its module */
    uint32_t offset;   /* byte offset of the instruction in its module; PW_NO_INDEX if unknown */
    pw_name name;      /* borrowed from the module */
} pw_frame;

/* Frames of the last trap, innermost first: at most `capacity` are written, the count is returned.
 * `omitted` frames are missing after the first `head`. */
uint32_t pw_store_frames(const pw_store *store, pw_frame *frames, uint32_t capacity, uint32_t *head,
                         uint64_t *omitted);
/* What the engine said of a PW_TRAP_UNSUPPORTED; borrowed. */
const char *pw_store_message(const pw_store *store);

/* ---- snapshots ------------------------------------------------------------------------------- */

/* What an instance can change of itself: its memory, mutable globals, tables, and which segments it
 * dropped. */
typedef struct {
    uint8_t *image; /* means something to this machine; native/bridge/snapshot.c has the format */
    uint64_t size;  /* bytes */
    /* What the image has no bits of, by position: external references, and functions of other
     * instances (pw_func). Not null. */
    uint64_t *externs;
    uint64_t nexterns;
    uint64_t *functions;
    uint64_t nfunctions;
} pw_snapshot;

/* As of now. `imported` takes imported memories, tables and mutable globals as its own. Owned by
 * caller: pw_snapshot_free. */
bool pw_instance_save(pw_instance *instance, bool imported, pw_snapshot *snapshot, pw_error *error);
void pw_snapshot_free(pw_snapshot *snapshot);
/* To any instance of the module, of any process. The image may be anything; the references are of
 * this store. What does not fit changes nothing. No call may run in the store. */
bool pw_instance_restore(pw_instance *instance, const pw_snapshot *snapshot, pw_error *error);

/* ---- the engine ------------------------------------------------------------------------------ */

/* wasm3's version. */
const char *pw_engine_version(void);

/* What fastcall needs, by address: it shares no symbol with the extension that owns the engine. */
typedef struct pw_api pw_api;
const pw_api *pw_get_api(void);

/* cdef: end */

#endif
