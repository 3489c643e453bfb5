/* SPDX-License-Identifier: MIT */
/* The functions that the extension with the CPython types calls, as a table of pointers. That
 * extension gets the address of the table, because it shares no symbols with the extension that
 * owns the engine. A member without a comment is the function that has its name and the prefix pw_.
 */
#ifndef PW_API_H
#define PW_API_H

#include "decode/types.h"
#include "embed/collect.h"
#include "embed/instance.h"
#include "embed/reference.h"
#include "engine/callee.h"
#include "runtime/account.h"
#include "runtime/meter.h"
#include "runtime/references.h"
#include "runtime/shared.h"
#include "runtime/timer.h"

/* cdef: begin */

/* An exception that code did not catch. */
typedef struct {
    pw_tag *tag;           /* borrowed from the store; NULL: the exception has none */
    const uint64_t *cells; /* the values for the tag */
    uint32_t ncells;
    uint64_t host; /* the external reference to the host's exception; 0: wasm threw it */
    bool of_host;  /* a host function raised it just now, and the host has it */
} pw_thrown;

/* cdef: end */

struct pw_api {
    uint32_t size; /* bytes of this struct: shows whether both extensions were built together */
    /* Sets the hooks that all stores call: pw_prepare_engine of engine/engine.h. */
    void (*set_hooks)(pw_host_hook host, pw_tick_hook tick, pw_catch_hook catching);
    /* pw_set_poll_hook of runtime/meter.h. */
    void (*set_poll_hook)(pw_poll_hook poll);
    int64_t (*now)(void);
    /* These two are functions of runtime/timer.h. */
    const pw_timer_time *(*timer_wakes)(void);
    void (*timer_call)(pw_meter *meter);
    pw_store *(*store_new)(const pw_store_limits *limits, pw_error *error);
    pw_store *(*store_new_beside)(const pw_store *store, pw_error *error);
    pw_meter *(*store_meter)(pw_store *store);
    void (*store_free)(pw_store *store);
    /* The account of a store, borrowed from it. The next four are those of runtime/account.h. */
    pw_account *(*store_account)(const pw_store *store);
    pw_account *(*account_retain)(pw_account *account);
    void (*account_release)(pw_account *account);
    bool (*account_charge)(pw_account *account, pw_charge kind, uint64_t amount);
    void (*account_refund)(pw_account *account, pw_charge kind, uint64_t amount);
    uint32_t (*store_frames)(const pw_store *store, pw_frame *frames, uint32_t capacity,
                             uint32_t *head, uint64_t *omitted);
    /* Forgets the frames of the last trap, for a call that fails before it begins. */
    void (*store_forget_frames)(pw_store *store);
    const char *(*store_message)(const pw_store *store);
    /* What was thrown in a call that ended with PW_TRAP_EXCEPTION, until exception_end. */
    pw_thrown (*exception_thrown)(const pw_store *store);
    /* These are functions of runtime/exception.h. */
    bool (*exception_raise)(pw_store *store, const pw_tag *tag, const uint64_t *cells);
    pw_object *(*exception_keep)(pw_store *store);
    bool (*exception_raise_kept)(pw_store *store, const pw_object *object);
    void (*exception_end)(pw_store *store);
    /* The tag that an object is; NULL: it is none. */
    pw_tag *(*object_tag)(pw_object *object);
    /* The resolved types (runtime/deftypes.h) of the values, borrowed from the store. */
    const pw_valtype *(*tag_params)(const pw_tag *tag, uint32_t *count);
    pw_instance *(*instance_new)(pw_store *store, pw_module *module, const pw_extern *imports,
                                 bool eager, void *embedder, pw_error *error);
    /* What pw_instance_new was given as `embedder` for the instance of a function. */
    void *(*func_embedder)(const pw_func *func);
    pw_func *(*instance_func)(pw_instance *instance, uint32_t index);
    const pw_functype *(*func_type)(const pw_func *func);
    pw_typename (*valtype_name)(pw_valtype type);
    pw_module *(*func_module)(const pw_func *func);
    pw_module *(*module_retain)(pw_module *module);
    void (*module_release)(pw_module *module);
    const void *(*func_type_identity)(const pw_func *func);
    const void *(*store_type)(pw_store *store, pw_module *module, uint32_t type);
    /* The next six are explained in embed/collect.h. */
    void (*object_hold)(pw_object *object);
    void (*object_drop)(pw_object *object);
    uint64_t (*store_mark)(pw_store *store, pw_extern_visitor visit, void *arg);
    uint64_t (*store_mark_object)(pw_store *store, pw_object *object, pw_extern_visitor visit,
                                  void *arg);
    bool (*object_marked)(const pw_object *object);
    void (*store_sweep)(pw_store *store);
    /* Looks up what calls of a function need. The result is valid as long as the function. */
    pw_callee (*callee)(const pw_func *func);
    /* Calls a function. `values` are 64-bit cells: the arguments are in the first nparam_cells of
     * them, and the results are written to the first nresult_cells. A 32-bit value is in the low
     * half of its cell. */
    pw_trap (*call)(const pw_callee *callee, uint64_t *values);
    /* Calls a function whose arguments are on the value stack already, behind nresult_cells cells
     * from *callee->sp on. Afterwards the results begin there. Of the cell of a 32-bit result, the
     * high half means nothing. */
    pw_trap (*call_in_place)(const pw_callee *callee);
    /* Makes the calls of a map, in order; each takes a tick. */
    pw_trap (*call_map)(const pw_callee *callee, pw_map_job *job);
    pw_memory *(*instance_memory)(pw_instance *instance, uint32_t index);
    pw_memory *(*memory_new)(pw_store *store, const pw_limits *limits, pw_error *error);
    pw_memory *(*memory_retain)(pw_memory *memory);
    void (*memory_release)(pw_memory *memory);
    uint8_t *(*memory_data)(const pw_memory *memory);
    uint64_t (*memory_size)(const pw_memory *memory);
    pw_limits (*memory_limits)(const pw_memory *memory);
    int64_t (*memory_grow)(pw_memory *memory, uint64_t delta);
    bool (*memory_is_shared)(const pw_memory *memory);
    const void *(*memory_identity)(const pw_memory *memory);
    const pw_mapping *(*memory_mapping)(const pw_memory *memory);
    /* These are functions of runtime/shared.h. */
    pw_wait_result (*wait_begin)(const pw_mapping *mapping, uint64_t offset, uint32_t size,
                                 uint64_t expected, pw_waiting **waiting);
    bool (*wait_sleep)(pw_waiting *waiting, int64_t until);
    bool (*wait_end)(pw_waiting *waiting);
    uint32_t (*wait_notify)(const pw_mapping *mapping, uint64_t offset, uint32_t count);
    uint32_t (*table_size)(const pw_table *table);
    uint64_t (*table_get)(const pw_table *table, uint32_t index);
    void (*table_set)(pw_table *table, uint32_t index, uint64_t ref);
    void (*global_get)(const pw_global *global, uint64_t *cells);
    void (*global_set)(pw_global *global, const uint64_t *cells);
    /* These are functions of runtime/handles.h and embed/reference.h. */
    bool (*reference_hold)(pw_store *store, uint64_t ref, uint32_t *handle);
    void (*reference_drop)(pw_store *store, uint32_t handle);
    uint64_t (*reference_held)(const pw_store *store, uint32_t handle);
    bool (*reference_matches)(pw_store *store, uint64_t ref, bool host, pw_valtype type,
                              pw_module *module);
    uint32_t (*held_type)(const pw_store *store, uint32_t handle);
    pw_definition (*type_definition)(const pw_store *store, uint32_t number);
    pw_field (*type_field)(const pw_store *store, uint32_t number, uint32_t index);
    uint32_t (*type_number)(pw_store *store, pw_module *module, uint32_t type);
    uint32_t (*held_length)(const pw_store *store, uint32_t handle);
    void (*held_get)(const pw_store *store, uint32_t handle, uint32_t index, uint64_t *cells);
    void (*held_set)(const pw_store *store, uint32_t handle, uint32_t index, const uint64_t *cells);
    bool (*struct_make)(pw_store *store, uint32_t type, uint32_t *handle);
    bool (*array_make)(pw_store *store, uint32_t type, uint32_t length, uint32_t *handle);
    void (*store_sweep_heap)(pw_store *store);
    uint64_t (*store_heap_bytes)(const pw_store *store);
    /* The next three are functions of runtime/collection.h. */
    bool (*store_mark_externs)(pw_store *store, pw_extern_visitor visit, void *arg,
                               uint64_t *places);
    void (*roots_add)(pw_store *store, pw_roots *roots);
    void (*roots_forget)(pw_store *store, const pw_roots *roots);
    /* pw_stack_size of base/platform.h. */
    uintptr_t (*stack_size)(void);
};

#endif
