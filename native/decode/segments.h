/* SPDX-License-Identifier: MIT */
/* The element section (9) and the data section (11). For each section, one function makes room for
 * `count` segments, and another reads one segment. On failure, the result is false and the error is
 * set. */
#ifndef PW_DECODE_SEGMENTS_H
#define PW_DECODE_SEGMENTS_H

#include "decode/decoder.h"

bool pw_begin_elems(pw_decoder *decoder, uint32_t count);
bool pw_read_elem(pw_decoder *decoder);
bool pw_begin_datas(pw_decoder *decoder, uint32_t count);
bool pw_read_data(pw_decoder *decoder);

#endif
