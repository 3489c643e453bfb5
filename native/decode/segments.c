/* SPDX-License-Identifier: MIT */
/* Reads element and data segments: https://webassembly.github.io/spec/core/binary/modules.html */
#include "decode/segments.h"
#include "base/limits.h"
#include "decode/constexpr.h"
#include "decode/types.h"
#include "decode/valtypes.h"

/* ---- element section (9) --------------------------------------------------------------------- */

_Static_assert(PW_MAX_MODULE_SIZE <= 1u << PW_ITEM_BITS, "an item holds any offset");

#define ELEM_NOT_ACTIVE 1u
#define ELEM_EXPLICIT 2u    /* an active segment has a table index; another one is declared */
#define ELEM_EXPRESSIONS 4u /* the items are expressions, not function indices */
#define ELEM_ALL 7u
#define ELEM_KIND_FUNC 0x00

bool pw_begin_elems(pw_decoder *d, uint32_t count)
{
    d->elems = pw_decode_alloc(d, count, sizeof *d->elems);
    d->module->elems = d->elems;
    return d->elems != NULL;
}

/* Reads where an active segment goes: the table index, if the segment has one, and the offset. */
static bool read_elem_target(pw_decoder *d, uint32_t flags, pw_elemsegment *segment)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    if ((flags & ELEM_EXPLICIT) != 0 && !pw_read_u32(&d->reader, "table index", &segment->table)) {
        return false;
    }
    if (!pw_check_index(d, PW_EXTERN_TABLE, offset, segment->table)) {
        return false;
    }
    pw_valtype address = pw_address_type(&d->tables[segment->table].limits);
    return pw_read_constexpr(d, "offset of an element segment", address, &segment->offset);
}

static bool read_elem_kind(pw_decoder *d)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    uint8_t kind;
    if (!pw_read_byte(&d->reader, "element kind", &kind)) {
        return false;
    }
    if (kind != ELEM_KIND_FUNC) {
        return pw_fail(d->reader.error, PW_MALFORMED, offset,
                       "malformed element kind: expected 0 (functions) but got 0x%02x", kind);
    }
    return true;
}

/* Reads the type of the items, which segments of the forms 0 and 4 do not have. */
static bool read_elem_type(pw_decoder *d, uint32_t flags, pw_valtype *type)
{
    bool expressions = (flags & ELEM_EXPRESSIONS) != 0;
    *type = expressions ? PW_FUNCREF : pw_reference_to(PW_FUNCREF, false);
    if ((flags & (ELEM_NOT_ACTIVE | ELEM_EXPLICIT)) == 0) {
        return true;
    }
    if (expressions) {
        return pw_read_reftype(d, "type of an element segment", type);
    }
    return read_elem_kind(d);
}

static bool read_elem_item(pw_decoder *d, uint32_t flags, pw_valtype type, pw_constexpr *item)
{
    if ((flags & ELEM_EXPRESSIONS) != 0) {
        return pw_read_constexpr(d, "element", type, item);
    }
    item->kind = PW_CONST_FUNC;
    item->type = type;
    item->offset = pw_reader_offset(&d->reader);
    if (!pw_read_u32(&d->reader, "function index", &item->index) ||
        !pw_check_index(d, PW_EXTERN_FUNC, item->offset, item->index)) {
        return false;
    }
    pw_declare(d, item->index);
    return true;
}

static bool read_elem_items(pw_decoder *d, uint32_t flags, pw_elemsegment *segment)
{
    if (!pw_read_count(&d->reader, "element count", 1, PW_MAX_TABLE_SIZE, &segment->count)) {
        return false;
    }
    pw_elemitem *items = pw_decode_alloc(d, segment->count, sizeof *items);
    if (items == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < segment->count; i++) {
        pw_constexpr item = {0};
        if (!read_elem_item(d, flags, segment->type, &item)) {
            return false;
        }
        segment->has_code |= item.kind == PW_CONST_CODE;
        items[i] = pw_pack_item(&item);
    }
    segment->items = items;
    return true;
}

static bool read_elem_flags(pw_decoder *d, uint32_t *flags)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    if (!pw_read_u32(&d->reader, "form of an element segment", flags)) {
        return false;
    }
    if (*flags > ELEM_ALL) {
        return pw_fail(d->reader.error, PW_MALFORMED, offset,
                       "malformed elements segment kind: expected at most 7 but got %u", *flags);
    }
    return true;
}

static pw_segmentmode elem_mode(uint32_t flags)
{
    if ((flags & ELEM_NOT_ACTIVE) == 0) {
        return PW_SEGMENT_ACTIVE;
    }
    return (flags & ELEM_EXPLICIT) != 0 ? PW_SEGMENT_DECLARED : PW_SEGMENT_PASSIVE;
}

bool pw_read_elem(pw_decoder *d)
{
    pw_elemsegment *segment = &d->elems[d->module->nelems];
    uint32_t flags;
    if (!read_elem_flags(d, &flags)) {
        return false;
    }
    segment->mode = elem_mode(flags);
    bool active = segment->mode == PW_SEGMENT_ACTIVE;
    if (active && !read_elem_target(d, flags, segment)) {
        return false;
    }
    uint32_t offset = pw_reader_offset(&d->reader);
    if (!read_elem_type(d, flags, &segment->type)) {
        return false;
    }
    if (active && !pw_matches(d->module->typedefs, segment->type, d->tables[segment->table].type)) {
        return pw_fail(d->reader.error, PW_INVALID, offset,
                       "type mismatch: table %u expected elements of type %s but got %s",
                       segment->table, pw_valtype_name(d->tables[segment->table].type).text,
                       pw_valtype_name(segment->type).text);
    }
    if (!read_elem_items(d, flags, segment)) {
        return false;
    }
    d->module->nelems++;
    return true;
}

/* ---- data section (11) ----------------------------------------------------------------------- */

#define DATA_PASSIVE 1u
#define DATA_EXPLICIT 2u /* an active segment that has a memory index */

bool pw_begin_datas(pw_decoder *d, uint32_t count)
{
    if (d->has_data_count && count != d->data_count) {
        return pw_fail(
            d->reader.error, PW_MALFORMED, pw_reader_offset(&d->reader),
            "data count and data section have inconsistent lengths: the data count is %u, "
            "but the data section has %u segment%s",
            d->data_count, count, pw_plural(count));
    }
    d->datas = pw_decode_alloc(d, count, sizeof *d->datas);
    d->module->datas = d->datas;
    return d->datas != NULL;
}

/* Reads where an active segment goes: the memory index, if the segment has one, and the offset. */
static bool read_data_target(pw_decoder *d, uint32_t form, pw_datasegment *segment)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    if (form == DATA_EXPLICIT && !pw_read_u32(&d->reader, "memory index", &segment->memory)) {
        return false;
    }
    if (!pw_check_index(d, PW_EXTERN_MEMORY, offset, segment->memory)) {
        return false;
    }
    pw_valtype address = pw_address_type(&d->memories[segment->memory].limits);
    return pw_read_constexpr(d, "offset of a data segment", address, &segment->offset);
}

static bool read_data_form(pw_decoder *d, uint32_t *form)
{
    uint32_t offset = pw_reader_offset(&d->reader);
    if (!pw_read_u32(&d->reader, "form of a data segment", form)) {
        return false;
    }
    if (*form > DATA_EXPLICIT) {
        return pw_fail(d->reader.error, PW_MALFORMED, offset,
                       "malformed data segment kind: expected at most 2 but got %u", *form);
    }
    return true;
}

bool pw_read_data(pw_decoder *d)
{
    pw_datasegment *segment = &d->datas[d->module->ndatas];
    uint32_t form;
    if (!read_data_form(d, &form)) {
        return false;
    }
    segment->mode = form == DATA_PASSIVE ? PW_SEGMENT_PASSIVE : PW_SEGMENT_ACTIVE;
    if (form != DATA_PASSIVE && !read_data_target(d, form, segment)) {
        return false;
    }
    if (!pw_read_u32(&d->reader, "size of a data segment", &segment->size) ||
        !pw_read_bytes(&d->reader, "payload of a data segment", segment->size, &segment->data)) {
        return false;
    }
    d->module->ndatas++;
    return true;
}
