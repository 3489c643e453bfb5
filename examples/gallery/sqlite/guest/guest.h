/* SPDX-License-Identifier: MIT */

#ifndef GUEST_H
#define GUEST_H

#include "sqlite3.h"

/* The name of the VFS whose files are objects of the host. */
#define OBJECTS "objects"

/* The name of SQLite's VFS for Unix that locks no file. WASI has no locks. The other choice would
 * be a file that says that the database is locked, which a guest that is stopped leaves behind. */
#define DIRECTORIES "unix-none"

/* Makes this VFS known to SQLite, and returns a result code of SQLite. */
int register_vfs(void);

#endif
