/* SPDX-License-Identifier: MIT */
/* The state that running code works on: what engine and bridge share of it. */
#ifndef PW_STORE_H
#define PW_STORE_H

#include "base/platform.h"
#include "base/wasm3.h"
#include "runtime/objects.h"
#include "runtime/meter.h"

/* Sits right before the bytes of a linear memory; wasm3 hands &m3 to every operation as `_mem`. */
typedef struct {
    pw_memory *memory; /* NULL: the instance has none */
    pw_store *store;
    M3MemoryHeader m3;
} pw_header;

/* So many of the innermost frames of a trap are kept, and as many of the outermost ones. */
#define PW_BACKTRACE_HALF 32

typedef struct {
    IM3Function function;
    pc_t pc; /* in the operation that trapped or called; NULL: at the entry of the function */
} pw_backtrace_frame;

/* The frames that a trap has left, the innermost one first. */
typedef struct {
    uint64_t count; /* of all frames, also of those that are not kept */
    pc_t pc;        /* the pc of the next frame, which the trap has yet to leave */
    pw_backtrace_frame head[PW_BACKTRACE_HALF];
    pw_backtrace_frame tail[PW_BACKTRACE_HALF]; /* a ring: frame n is at n % PW_BACKTRACE_HALF */
} pw_backtrace;

/* A block that is being compiled, or the latest one of its depth. */
typedef struct {
    struct M3CompilationScope *scope; /* wasm3's description; not set for the innermost block */
    pc_t jump;                        /* code by which a br_table jumps to the block */
    uint64_t table; /* the number of this br_table, as pw_compilation counts them */
} pw_block_scope;

/* What the engine's compilers know of the function that is being compiled, beside what wasm3's
 * M3Compilation contains. */
typedef struct {
    uint16_t first_free[2]; /* no slot, and no pair of slots, is free below these */
    uint16_t preserved;     /* no operand below this index of the compiler's stack is a local */
    uint16_t opcode;        /* the id of the instruction that is being compiled */
    uint32_t operations;    /* how many operations were emitted so far */
    uint32_t checked_at;    /* `operations` at the last checkpoint that every way to here passes */
    uint64_t table;         /* how many br_tables were compiled, in all functions of the store */
    uint64_t move_budget;   /* values that may still be moved: see engine/compile/state.inc */
    pw_block_scope *scopes; /* by the depth of the block; owned by the store */
    uint32_t capacity;      /* of `scopes` */
} pw_compilation;

struct pw_store {
    pw_meter meter;         /* see engine/run/metering.inc */
    uintptr_t native_limit; /* the native stack of the running thread may be used down to here */
    uint64_t max_pages;     /* of a memory, like the next of a table */
    uint32_t max_elements;
    uint64_t *sp;             /* where the next call from outside puts its values */
    uint64_t callouts;        /* how many callouts began so far: see engine/run/metering.inc */
    uint64_t current_callout; /* the number of the innermost one, from 1; 0: there is none */
    uint64_t *stack_end;      /* values stay below; the red zone and a guard page follow */

    void *stack; /* as mapped */
    IM3Environment environment;
    pw_instance *instances;
    pw_global *globals;
    pw_table *tables; /* of the host, like the next */
    pw_tag *tags;
    IM3FuncType *types; /* the store's distinct function types */
    uint32_t ntypes;
    uint32_t types_capacity;
    uint32_t *type_places; /* where to find them: types.c */
    uint32_t type_places_size;
    struct {
        pw_module *module; /* retained; NULL: none is being linked */
        IM3FuncType *types;
    } linking;

    uint64_t *spill; /* the end of the running function's spilled locals; NULL until one has some */
    uint64_t *spill_end; /* the end of the spill stack */
    void *spill_stack;   /* its mapping */
    struct {
        IM3Function callee;
        uint64_t *sp; /* the base of the frame that ends */
    } tail;           /* the tail call that is being made: see engine/ops/tail.inc */

    pw_header no_memory; /* of instances without one */
    pw_backtrace backtrace;
    pw_compilation compilation;
    char message[256];
};

struct pw_global {
    pw_global *next;
    uint64_t bits;
    pw_valtype type;
    pw_valtype resolved;
    bool is_mutable;
};

struct pw_table {
    pw_table *next; /* of the host's */
    pw_valtype type;
    pw_valtype resolved; /* with the store's number of a type for the module's index */
    pw_limits limits;
    uint32_t max; /* what the limits, and the store, allow */
    uint32_t size;
    uint32_t capacity;
    uint64_t *elements; /* references: pw.h */
};

/* Its address is what it is. */
struct pw_tag {
    pw_tag *next; /* of the host's */
    IM3FuncType type;
};

/* Segments as instructions see them: a dropped one is empty. */
typedef struct {
    pw_instance *instance;
    uint32_t index;
    uint32_t count;
} pw_elem;

typedef struct {
    const uint8_t *data;
    uint32_t size;
} pw_data;

struct pw_instance {
    pw_instance *next;
    pw_store *store;
    pw_module *module;
    M3Runtime *runtime;
    M3Module *m3;
    M3MemoryHeader *header; /* `_mem` of its code */
    pw_memory *memory;      /* retained; NULL: none */
    pw_table **tables;
    pw_table *own_tables; /* the defined ones */
    uint32_t ntables;
    uint32_t nglobals;
    pw_global **globals;
    pw_tag **tags;
    pw_tag *own_tags; /* the defined ones */
    uint32_t nelems;
    uint32_t ndatas;
    pw_elem *elems;
    pw_data *datas;
    uint8_t *spilled_types;     /* of the spilled locals of the function that is compiled */
    code_t *thunks;             /* PW_THUNK_WORDS per imported function */
    uint64_t moves_over_budget; /* see engine/compile/state.inc */
};

#define PW_THUNK_WORDS 3

/* Values, red zone: a caller writes its callee's arguments and results above its own frame, at most
 * 1000 of 8 bytes (limits.h), before the callee's entry checks. */
#define PW_RED_ZONE 65536

/* For spilled locals: 40 frames of the largest functions. A multiple of the page size. */
#define PW_SPILL_STACK (16 << 20)

/* Native stack that wasm code leaves for what runs below it: a compile, the exit through a trap. */
#define PW_NATIVE_RESERVE 32768
/* The same for a host function, which runs Python. */
#define PW_HOST_RESERVE 65536

/* More than any frame has, its callee's arguments and results included. */
#define PW_MAX_FRAME (2 * PW_RED_ZONE)

static inline pw_meter *pw_store_meter(pw_store *store)
{
    return &store->meter;
}

static inline pw_header *pw_header_of(M3MemoryHeader *mem)
{
    return (pw_header *)(void *)((char *)mem - offsetof(pw_header, m3));
}

static inline pw_instance *pw_instance_of(const M3Function *function)
{
    return function->module->runtime->userdata;
}

static inline bool has_spilled_locals(const M3Function *function)
{
    return (uint32_t)function->funcType->numArgs + function->numLocals > PW_SLOT_LOCALS;
}

/* wasm3's type for a value, c_m3Type_none if it has none. wasm3 counts i32, i64, f32, f64 from 1;
 * references are 64 bits. */
static inline uint8_t pw_engine_type(pw_valtype type)
{
    if (type >= PW_F64 && type <= PW_I32) {
        return (uint8_t)(PW_I32 + 1 - type);
    }
    return type == PW_V128 ? c_m3Type_none : c_m3Type_i64;
}

/* Whether elements, or bytes, [start, start + count) are there. */
static inline bool pw_fits(uint64_t size, uint32_t start, uint32_t count)
{
    return start <= size && count <= size - start;
}

static inline M3Function *pw_m3(const pw_func *func)
{
    return (M3Function *)(void *)func;
}

static inline pw_func *pw_handle(M3Function *function)
{
    return (pw_func *)(void *)function;
}

#endif
