/* SPDX-License-Identifier: MIT
 *
 * What Python calls besides SQLite's own functions: those that would need many calls otherwise,
 * or the address of a C function. wasm_sqlite/engine.py is the other side.
 */

#include <stddef.h>
#include <stdint.h>

#include "guest.h"

#define EXPORT(name) __attribute__((export_name(#name)))
#define FUNCTIONS(name) __attribute__((import_module("functions"), import_name(#name)))

/* A value as Python reads it. For a text or a blob, `bytes` is where its `size` bytes are. */
typedef struct {
    int type;
    int size;
    union {
        sqlite3_int64 integer;
        double real;
        const void *bytes;
    };
} Cell;

/* Python's part of SQL functions. `call` gives the result by a function sqlite3_result_*, and
 * returns a negative number if the Python function raised an exception. */
FUNCTIONS(call) int functions_call(int id, sqlite3_context *context, int count, Cell *arguments);
FUNCTIONS(drop) void functions_drop(int id);

enum { MAX_COLUMNS = 2000, INSTRUCTIONS_BETWEEN_POLLS = 1000 };

static Cell row[MAX_COLUMNS];
static volatile int interrupted;

static int fill(Cell *cell, sqlite3_value *value)
{
    cell->type = sqlite3_value_type(value);
    cell->size = 0;
    if (cell->type == SQLITE_INTEGER) {
        cell->integer = sqlite3_value_int64(value);
    } else if (cell->type == SQLITE_FLOAT) {
        cell->real = sqlite3_value_double(value);
    } else if (cell->type != SQLITE_NULL) {
        int text = cell->type == SQLITE_TEXT;
        cell->bytes = text ? (const void *)sqlite3_value_text(value) : sqlite3_value_blob(value);
        cell->size = sqlite3_value_bytes(value);
        if (cell->bytes == NULL && (text || cell->size > 0)) {
            return SQLITE_NOMEM;
        }
    }
    return SQLITE_OK;
}

static int poll(void *unused)
{
    (void)unused;
    return interrupted;
}

/* Returns a connection, which has an error if the database could not be opened, or NULL. */
EXPORT(open_database) sqlite3 *open_database(const char *name, int flags, int is_object)
{
    sqlite3 *database = NULL;
    if (sqlite3_initialize() != SQLITE_OK || register_vfs() != SQLITE_OK) {
        return NULL;
    }
    const char *vfs = is_object ? OBJECTS : DIRECTORIES;
    int code = sqlite3_open_v2(name, &database, flags, vfs);
    if (code == SQLITE_OK) {
        sqlite3_extended_result_codes(database, 1);
        sqlite3_progress_handler(database, INSTRUCTIONS_BETWEEN_POLLS, poll, NULL);
        /* A database may be hostile: its views and triggers must not call Python functions. */
        sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    }
    return database;
}

/* Where a number other than 0 makes the running statement end with SQLITE_INTERRUPT. */
EXPORT(interrupt_flag) volatile int *interrupt_flag(void)
{
    return &interrupted;
}

EXPORT(row_cells) Cell *row_cells(void)
{
    return row;
}

/* Like sqlite3_step, but also puts the row into the array that row_cells() returns. */
EXPORT(step) int step(sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW) {
        return code;
    }
    int count = sqlite3_column_count(statement);
    for (int i = 0; i < count; i++) {
        if (fill(&row[i], sqlite3_column_value(statement, i)) != SQLITE_OK) {
            return SQLITE_NOMEM;
        }
    }
    return code;
}

/* These four take what sqlite3_malloc gave, and free it. */

EXPORT(bind_text) int bind_text(sqlite3_stmt *statement, int index, char *text, int size)
{
    return sqlite3_bind_text(statement, index, text, size, sqlite3_free);
}

EXPORT(bind_blob) int bind_blob(sqlite3_stmt *statement, int index, void *bytes, int size)
{
    return sqlite3_bind_blob(statement, index, bytes, size, sqlite3_free);
}

EXPORT(result_text) void result_text(sqlite3_context *context, char *text, int size)
{
    sqlite3_result_text(context, text, size, sqlite3_free);
}

EXPORT(result_blob) void result_blob(sqlite3_context *context, void *bytes, int size)
{
    sqlite3_result_blob(context, bytes, size, sqlite3_free);
}

static void call_python(sqlite3_context *context, int count, sqlite3_value **values)
{
    Cell cells[count + 1];
    for (int i = 0; i < count; i++) {
        if (fill(&cells[i], values[i]) != SQLITE_OK) {
            sqlite3_result_error_nomem(context);
            return;
        }
    }
    int id = (int)(intptr_t)sqlite3_user_data(context);
    if (functions_call(id, context, count, cells) < 0) {
        sqlite3_result_error(context, "a Python function raised an exception", -1);
    }
}

static void drop_python(void *id)
{
    functions_drop((int)(intptr_t)id);
}

/* Defines an SQL function that is the host's function with the number `id`. */
EXPORT(create_function)
int create_function(sqlite3 *database, const char *name, int count, int flags, int id)
{
    void *data = (void *)(intptr_t)id;
    return sqlite3_create_function_v2(
        database, name, count, flags, data, call_python, NULL, NULL, drop_python
    );
}
