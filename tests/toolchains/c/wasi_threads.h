// SPDX-License-Identifier: MIT

// Linux's musl has threads, and WASI's variant of musl has headers for them. The compiler's package
// contains both, but not the files that connect them. This header is included before each source
// of musl that the tests compile, and replaces what musl takes from Linux.

#pragma once

// musl calls Linux for futexes only, once the files that call it for other things are left out.
long __syscall(long number, ...);
#define SYS_futex 0
#define SYS_set_robust_list 1

// musl keeps memory mapped as long as a thread uses a lock in it.
void __vm_lock(void);
void __vm_unlock(void);
void __vm_wait(void);
