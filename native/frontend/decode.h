/* SPDX-License-Identifier: MIT */
/* Inside the front-end: what the readers of sections, types and constant expressions share. */
#ifndef PW_DECODE_H
#define PW_DECODE_H

#include "module.h"
#include "reader.h"

#define PW_EXTERN_KINDS 5

/* A module being read. The pointers are the tables of `module` while they may still be written. */
typedef struct {
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
} pw_decoder;

/* Room in the module's arena; NULL with the error set. Borrowed from the module. */
void *pw_decode_alloc(pw_decoder *decoder, size_t count, size_t size);

/* An index that is not below `size`; always false. */
bool pw_fail_index(pw_decoder *decoder, const char *what, uint32_t offset, uint32_t index,
                   uint32_t size);

/* ---- types.c --------------------------------------------------------------------------------- */

/* "i32"; for messages. */
const char *pw_valtype_name(pw_valtype type);

bool pw_read_valtype(pw_decoder *decoder, const char *what, pw_valtype *type);
bool pw_read_reftype(pw_decoder *decoder, const char *what, pw_valtype *type);
/* The heap type of ref.null, as the reference type to it. */
bool pw_read_heaptype(pw_decoder *decoder, const char *what, pw_valtype *type);
bool pw_read_functype(pw_decoder *decoder, pw_functype *type);
/* An index into the types read so far. */
bool pw_read_typeindex(pw_decoder *decoder, uint32_t *index);
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
