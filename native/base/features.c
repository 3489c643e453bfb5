/* SPDX-License-Identifier: MIT */
/* The names of features. */
#include "base/features.h"

const char *pw_feature_name(uint32_t feature)
{
#define PW_WORDS(name, words) words,
    static const char *const names[] = {PW_FEATURES(PW_WORDS)};
#undef PW_WORDS
    unsigned number = 0;
    while (feature >> number > 1) {
        number++;
    }
    return names[number];
}
