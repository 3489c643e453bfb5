/* SPDX-License-Identifier: MIT */
/* What the compilers spell differently. */
#ifndef PW_ATTRIBUTES_H
#define PW_ATTRIBUTES_H

#if defined(__GNUC__) || defined(__clang__)
#define PW_NOINLINE __attribute__((noinline))
#define PW_COLD __attribute__((cold))
#define PW_ALWAYS_INLINE inline __attribute__((always_inline))
#define PW_PRINTF(at, first) __attribute__((format(printf, at, first)))
#else
#define PW_NOINLINE
#define PW_COLD
#define PW_ALWAYS_INLINE inline
#define PW_PRINTF(at, first)
#endif

/* The initial-exec model makes reading a thread-local variable one instruction; otherwise it is a
 * function call. glibc reserves enough static TLS for the few bytes that a late-loaded library
 * such as ours needs; other C libraries may not. */
#ifdef __GLIBC__
#define PW_THREAD_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))
#else
#define PW_THREAD_LOCAL _Thread_local
#endif

#endif
