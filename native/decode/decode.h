/* SPDX-License-Identifier: MIT */
/* Inside the front-end: what the readers of sections, types and constant expressions share. */
#ifndef PW_DECODE_H
#define PW_DECODE_H

#include "base/features.h"
#include "base/limits.h"
#include "base/opcodes.h"
#include "decode/module.h"
#include "decode/reader.h"
#include "decode/types.h"

typedef struct pw_decoder pw_decoder;

/* What checks code, on the floor above: the decoder calls it through this one table. */
typedef struct {
    /* Begins a function of this type, whose parameters are its first locals. */
    void (*begin_locals)(pw_decoder *decoder, const pw_functype *type);
    /* Adds declared locals. */
    bool (*add_locals)(pw_decoder *decoder, uint32_t count, pw_valtype type);
    /* Checks the instructions of the body, from the cursor to the end of the unit. */
    bool (*check_body)(pw_decoder *decoder, const pw_functype *type);
    /* Checks a constant expression and its `end`: it must leave one value of the expected type.
     * `what` names it in errors. *count is the number of its instructions without the `end`. */
    bool (*check_constant)(pw_decoder *decoder, const char *what, pw_valtype expected,
                           uint32_t *count);
} pw_code_checker;

/* ---- the state ------------------------------------------------------------------------------- */

/* A module being read. The pointers are the tables of `module` while they may still be written. */
struct pw_decoder {
    const pw_code_checker *checker;
    pw_reader reader;
    pw_module *module;
    uint32_t imported[PW_EXTERN_KINDS]; /* by pw_externkind */
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
    uint32_t codes_offset;
    bool has_data_count;
    uint32_t data_count;
    uint32_t nmemories;   /* seen so far, imported or not */
    uint32_t unrunnable;  /* features whose first use is to be noted, */
    pw_error unsupported; /* here */
    uint32_t function;    /* whose body is read, or PW_NO_INDEX */
    uint8_t *declared;    /* bits: functions that ref.func may name */
    pw_typesection typesection;
};

/* Reads a new module's bytes into its tables. `runnable` are the features that the module may use;
 * a valid module that uses others is PW_UNSUPPORTED. The decoder is zeroed but for the checker. */
bool pw_decode_module(pw_decoder *decoder, pw_module *module, uint32_t runnable, pw_error *error);

/* Room in the module's arena; NULL with the error set. Borrowed from the module. */
void *pw_decode_alloc(pw_decoder *decoder, size_t count, size_t size);

/* An index that is not below `size`; always false. */
bool pw_fail_index(pw_decoder *decoder, const char *what, uint32_t offset, uint32_t index,
                   uint32_t size);

/* Grows an owned array to room for at least `need` items, of `max` at most, by doubling; false with
 * the error set. */
bool pw_decode_grow(pw_decoder *decoder, void **array, uint32_t *capacity, uint32_t need,
                    uint32_t max, size_t size);

/* Notes the use of a feature that this version cannot run. */
void pw_note_unsupported(pw_decoder *decoder, pw_feature feature, uint32_t offset,
                         const char *format, ...) PW_PRINTF(4, 5);

static inline void pw_declare(pw_decoder *d, uint32_t function)
{
    d->declared[function / 8] |= (uint8_t)(1u << function % 8);
}

static inline bool pw_is_declared(const pw_decoder *d, uint32_t function)
{
    return (d->declared[function / 8] >> function % 8 & 1) != 0;
}

/* ---- valtypes.c ------------------------------------------------------------------------------ */

bool pw_read_valtype(pw_decoder *decoder, const char *what, pw_valtype *type);
bool pw_read_reftype(pw_decoder *decoder, const char *what, pw_valtype *type);
/* As the nullable reference type to it. */
bool pw_read_heaptype(pw_decoder *decoder, const char *what, pw_valtype *type);
/* A type index, below the types that may be named here. */
bool pw_read_typeindex(pw_decoder *decoder, uint32_t *index);
/* The index of a function type, as it stands. */
bool pw_read_functypeindex(pw_decoder *decoder, uint32_t *index);

/* ---- typesection.c --------------------------------------------------------------------------- */

bool pw_begin_types(pw_decoder *decoder, uint32_t count);
/* One recursion group. */
bool pw_read_type(pw_decoder *decoder);
void pw_end_types(pw_decoder *decoder);

/* ---- externtypes.c --------------------------------------------------------------------------- */

bool pw_read_mutability(pw_decoder *decoder, bool *is_mutable);
/* What follows the kind of an import or stands in the section of that kind. */
bool pw_read_externtype(pw_decoder *decoder, pw_externkind kind, pw_externtype *type);

/* ---- constexpr.c ----------------------------------------------------------------------------- */

/* A constant expression and its `end`; it must have the expected type. */
bool pw_read_constexpr(pw_decoder *decoder, const char *what, pw_valtype expected,
                       pw_constexpr *expression);

/* ---- sections.c ------------------------------------------------------------------------------ */

/* An index of that kind, below what has been read so far. */
bool pw_check_index(pw_decoder *decoder, pw_externkind kind, uint32_t offset, uint32_t index);

/* Everything after the header. */
bool pw_read_sections(pw_decoder *decoder);

/* ---- segments.c ------------------------------------------------------------------------------ */

/* What starts a section of so many entries, and what reads one entry. */
bool pw_begin_elems(pw_decoder *decoder, uint32_t count);
bool pw_read_elem(pw_decoder *decoder);
bool pw_begin_datas(pw_decoder *decoder, uint32_t count);
bool pw_read_data(pw_decoder *decoder);

/* ---- codes.c --------------------------------------------------------------------------------- */

/* As above, for function bodies. */
bool pw_begin_codes(pw_decoder *decoder, uint32_t count);
bool pw_read_code(pw_decoder *decoder);
/* As many bodies as functions that need one. Told after all sections: a second code section, say,
 * is the better reason. */
bool pw_check_code_count(pw_decoder *decoder);

/* ---- exports.c ------------------------------------------------------------------------------- */

/* Export names must differ. */
bool pw_check_export_names(pw_decoder *decoder);

/* ---- names.c --------------------------------------------------------------------------------- */

/* Fills module.info.name and module.function_names. */
bool pw_read_names(pw_decoder *decoder);

#endif
