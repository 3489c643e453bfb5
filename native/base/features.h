/* SPDX-License-Identifier: MIT */
/* The features of WebAssembly, each of which is a bit. */
#ifndef PW_FEATURES_H
#define PW_FEATURES_H

#include <stdint.h>

/* X(name, words that name the feature in a message) */
#define PW_FEATURES(X)                                     \
    X(MVP, "WebAssembly 1.0")                              \
    X(SIGN_EXTENSION, "sign extension operators")          \
    X(SATURATING, "saturating conversions")                \
    X(MULTI_VALUE, "multiple values")                      \
    X(BULK_MEMORY, "bulk memory operations")               \
    X(REFERENCES, "reference types")                       \
    X(FUNCTION_REFERENCES, "typed function references")    \
    X(TAIL_CALLS, "tail calls")                            \
    X(EXTENDED_CONSTANTS, "extended constant expressions") \
    X(SIMD, "SIMD")                                        \
    X(RELAXED, "relaxed SIMD")                             \
    X(EXCEPTIONS, "exceptions")                            \
    X(LEGACY_EXCEPTIONS, "legacy exceptions")              \
    X(MEMORY64, "64-bit memories")                         \
    X(MULTI_MEMORY, "multiple memories")                   \
    X(THREADS, "threads")                                  \
    X(PAGE_SIZES, "custom page sizes")                     \
    X(GC, "garbage-collected types")

#define PW_FEATURE_NUMBER(name, words) PW_NUMBER_##name,
enum { PW_FEATURES(PW_FEATURE_NUMBER) PW_FEATURE_COUNT };
#undef PW_FEATURE_NUMBER

#define PW_FEATURE_BIT(name, words) PW_FEATURE_##name = 1 << PW_NUMBER_##name,
typedef enum {
    PW_FEATURES(PW_FEATURE_BIT) PW_FEATURE_ALL = (1 << PW_FEATURE_COUNT) - 1
} pw_feature;
#undef PW_FEATURE_BIT

/* The features that the engine can run. This is the only place that decides what is unsupported:
 * pw_module_new refuses a module that uses any other feature. */
#define PW_RUNNABLE_FEATURES                                                                       \
    (PW_FEATURE_MVP | PW_FEATURE_SIGN_EXTENSION | PW_FEATURE_SATURATING | PW_FEATURE_MULTI_VALUE | \
     PW_FEATURE_BULK_MEMORY | PW_FEATURE_REFERENCES | PW_FEATURE_FUNCTION_REFERENCES |             \
     PW_FEATURE_TAIL_CALLS | PW_FEATURE_EXTENDED_CONSTANTS | PW_FEATURE_SIMD |                     \
     PW_FEATURE_RELAXED | PW_FEATURE_EXCEPTIONS | PW_FEATURE_LEGACY_EXCEPTIONS |                   \
     PW_FEATURE_MEMORY64 | PW_FEATURE_MULTI_MEMORY | PW_FEATURE_THREADS | PW_FEATURE_GC)

/* cdef: begin */

/* The words for a feature, given as one bit; static. */
const char *pw_feature_name(uint32_t feature);

/* cdef: end */

#endif
