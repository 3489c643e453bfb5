/* SPDX-License-Identifier: MIT */
/* The state of a module that is being read, and what every reader of a section needs. */
#ifndef PW_DECODER_H
#define PW_DECODER_H

#include "base/features.h"
#include "base/opcodes.h"
#include "decode/module.h"
#include "decode/reader.h"

typedef struct pw_decoder pw_decoder;

/* The functions that check code. They belong to the validator, which is the layer above: the
 * decoder meets code while it reads sections, and calls the validator through this table only. */
typedef struct {
    /* Begins a function of this type, whose parameters are its first locals. */
    void (*begin_locals)(pw_decoder *decoder, const pw_functype *type);
    /* Adds `count` declared locals of one type. */
    bool (*add_locals)(pw_decoder *decoder, uint32_t count, pw_valtype type);
    /* Checks the instructions of a function, from the cursor to the end of the reader's unit. */
    bool (*check_body)(pw_decoder *decoder, const pw_functype *type);
    /* Checks a constant expression up to and including its `end`. The expression must leave one
     * value of the expected type. `what` names the expression in errors. *count is the number of
     * its instructions, not counting the `end`. */
    bool (*check_constant)(pw_decoder *decoder, const char *what, pw_valtype expected,
                           uint32_t *count);
} pw_code_checker;

/* The state of the type section while it is read, and of the types that were read. */
typedef struct {
    pw_typedef *typedefs;
    uint32_t capacity;    /* of `typedefs`, and of pw_decoder.types */
    uint32_t group_start; /* types from this index on are not canonical yet */
    uint32_t limit;       /* types below this index may be named */
    uint32_t *groups;     /* owned: a hash table of 1 + the first type of each distinct group */
    uint32_t groups_capacity;
    uint32_t ngroups;
} pw_typesection;

/* A module that is being read. The pointers to types, imports and so on are the tables of `module`,
 * which can be written only here. */
struct pw_decoder {
    const pw_code_checker *checker;
    pw_reader reader;
    pw_module *module;
    uint32_t imported[PW_EXTERN_KINDS]; /* how many imports there are, by pw_externkind */
    pw_functype *types;
    pw_import *imports;
    uint32_t *function_types;
    pw_tabledef *tables;
    pw_memorydef *memories;
    pw_tagdef *tags;
    pw_globaldef *globals;
    pw_export *exports;
    pw_elemsegment *elems;
    pw_body *codes;
    pw_datasegment *datas;
    pw_custom *customs;
    uint32_t ncodes;
    uint32_t codes_offset; /* offset of the code section's contents */
    bool has_data_count;
    uint32_t data_count;
    uint32_t nmemories;   /* memories that were read so far, imported ones included */
    uint32_t unrunnable;  /* the features that the module may not use */
    pw_error unsupported; /* the first use of one of them, and the bits of all that are used */
    uint32_t function;    /* the function whose body is being read, or PW_NO_INDEX */
    uint8_t *declared;    /* a bit for each function: ref.func may name it */
    pw_typesection typesection;
};

/* Allocates zeroed room for `count` items of `size` bytes in the module's arena. The room is
 * borrowed from the module. NULL with the error set when there is no memory. */
void *pw_decode_alloc(pw_decoder *decoder, size_t count, size_t size);

/* Grows an array that the caller owns, by doubling it, so that it has room for at least `need`
 * items and at most `max` items of `size` bytes. False with the error set when there is no memory;
 * the array is then as before. */
bool pw_decode_grow(pw_decoder *decoder, void **array, uint32_t *capacity, uint32_t need,
                    uint32_t max, size_t size);

/* Fails because an index is not below `size`, the number of things that `what` names. The result is
 * always false. */
bool pw_fail_index(pw_decoder *decoder, const char *what, uint32_t offset, uint32_t index,
                   uint32_t size);

/* Checks an index of a function, table, memory, global or tag against how many of them have been
 * read so far. `offset` is where the index stands. */
bool pw_check_index(pw_decoder *decoder, pw_externkind kind, uint32_t offset, uint32_t index);

/* Notes that a feature is used which this version cannot run; only its first use counts. The module
 * is refused for it only once it turns out to be valid. The text from `format` says what uses the
 * feature. */
void pw_note_unsupported(pw_decoder *decoder, pw_feature feature, uint32_t offset,
                         const char *format, ...) PW_PRINTF(4, 5);

/* Notes that a function is named outside of function bodies, which allows ref.func to name it. */
static inline void pw_declare(pw_decoder *d, uint32_t function)
{
    d->declared[function / 8] |= (uint8_t)(1u << function % 8);
}

static inline bool pw_is_declared(const pw_decoder *d, uint32_t function)
{
    return (d->declared[function / 8] >> function % 8 & 1) != 0;
}

#endif
