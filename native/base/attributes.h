/* SPDX-License-Identifier: MIT */
/* Attributes of functions and variables, which compilers spell differently. */
#ifndef PW_ATTRIBUTES_H
#define PW_ATTRIBUTES_H

#if defined(__GNUC__) || defined(__clang__)
#define PW_NOINLINE __attribute__((noinline))
#define PW_COLD __attribute__((cold))
#define PW_ALWAYS_INLINE inline __attribute__((always_inline))
#define PW_PRINTF(at, first) __attribute__((format(printf, at, first)))
#define PW_NO_TSAN __attribute__((no_sanitize("thread")))
#else
#define PW_NOINLINE
#define PW_COLD
#define PW_ALWAYS_INLINE inline
#define PW_PRINTF(at, first)
#define PW_NO_TSAN
#endif

/* A variable that other files of the same library declare, and no other library. Without this, the
 * address is loaded from a table for each access. */
#if defined(__ELF__) && defined(__GNUC__)
#define PW_HIDDEN __attribute__((visibility("hidden")))
#else
#define PW_HIDDEN
#endif

/* With the initial-exec model, reading a thread-local variable takes one instruction; without it,
 * it takes a function call. The model needs static thread-local storage (TLS). glibc reserves
 * enough of it for the few bytes of a library that is loaded late, as ours is; other C libraries
 * may not. */
#ifdef __GLIBC__
#define PW_THREAD_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))
#else
#define PW_THREAD_LOCAL _Thread_local
#endif

#endif
