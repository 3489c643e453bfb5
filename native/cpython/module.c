/* SPDX-License-Identifier: MIT */
/* The extension module `pywasm3._cpython`: its functions, its types and its state. */
#include "cpython/aggregate_type.h"
#include "cpython/anchor.h"
#include "cpython/bind.h"
#include "cpython/call.h"
#include "cpython/fd_write.h"
#include "cpython/function_type.h"
#include "cpython/holder.h"
#include "cpython/host.h"
#include "cpython/memory.h"
#include "cpython/numbers.h"
#include "cpython/once.h"
#include "cpython/state.h"
#include "cpython/stop.h"
#include "cpython/store.h"
#include "cpython/store_type.h"
#include "cpython/throw.h"
#include "cpython/vectors.h"

/* ---- functions ---- */

static int take_hook(PyObject *hooks, const char *name, PyObject **place)
{
    PyObject *hook = PyDict_GetItemString(hooks, name);
    if (hook == NULL) {
        PyErr_Format(PyExc_KeyError, "%s", name);
        return -1;
    }
    Py_XSETREF(*place, Py_NewRef(hook));
    return 0;
}

static PyObject *connect(PyObject *module, PyObject *args)
{
    unsigned long long address;
    unsigned long main_thread;
    PyObject *hooks, *doc;
    pw_state *state = PyModule_GetState(module);
    if (!PyArg_ParseTuple(args, "KkOO!:connect", &address, &main_thread, &doc, &PyDict_Type,
                          &hooks)) {
        return NULL;
    }
    const pw_api *api = (const pw_api *)(uintptr_t)address;
    if (api->size != sizeof *api) {
        PyErr_SetString(PyExc_ImportError,
                        "pywasm3._engine and pywasm3._cpython are from different builds: reinstall "
                        "pywasm3-cffi");
        return NULL;
    }
    if (take_hook(hooks, "trap", &state->trap) < 0 ||
        take_hook(hooks, "error", &state->error) < 0 ||
        take_hook(hooks, "note", &state->note) < 0 ||
        take_hook(hooks, "add_note", &state->add_note) < 0 ||
        take_hook(hooks, "closed", &state->closed) < 0 ||
        take_hook(hooks, "signature", &state->signature) < 0 ||
        take_hook(hooks, "call_argv", &state->call_argv) < 0 ||
        take_hook(hooks, "aio", &state->aio) < 0 ||
        take_hook(hooks, "describe", &state->describe) < 0 ||
        take_hook(hooks, "limits", &state->limits) < 0 ||
        take_hook(hooks, "array", &state->array) < 0 ||
        take_hook(hooks, "element", &state->element) < 0 ||
        take_hook(hooks, "layout", &state->layout) < 0 ||
        take_hook(hooks, "brief", &state->brief) < 0 ||
        take_hook(hooks, "aggregates", &state->aggregates) < 0) {
        return NULL;
    }
    /* `doc` is a descriptor: `__doc__` of a Function describes that function, and `__doc__` of the
     * class describes the class. */
    if (PyDict_SetItemString(state->function_type->tp_dict, "__doc__", doc) < 0) {
        return NULL;
    }
    PyType_Modified(state->function_type);
    pw_set_main_thread(main_thread);
    api->set_hooks(pw_host_call, pw_tick, pw_catch);
    api->set_poll_hook(pw_poll_call);
    pw_timer_wakes_at = api->timer_wakes();
    pw_engine = api;
    Py_RETURN_NONE;
}

static PyObject *connect_thrown(PyObject *module, PyObject *args)
{
    PyObject *thrown, *class;
    pw_state *state = PyModule_GetState(module);
    if (!PyArg_ParseTuple(args, "OO!:connect_thrown", &thrown, &PyType_Type, &class)) {
        return NULL;
    }
    Py_XSETREF(state->thrown, Py_NewRef(thrown));
    Py_XSETREF(state->wasm_exception, Py_NewRef(class));
    Py_RETURN_NONE;
}

static PyObject *after_fork(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    pw_set_main_thread(PyThread_get_thread_ident());
    pw_stores_after_fork();
    Py_RETURN_NONE;
}

static PyObject *encode(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *value;
    unsigned int type;
    uint64_t cells[PW_MAX_CELLS];
    if (!PyArg_ParseTuple(args, "OI:encode", &value, &type)) {
        return NULL;
    }
    if (type < PW_V128 || type > PW_I32) {
        PyErr_SetString(PyExc_TypeError, "values of this type are references");
        return NULL;
    }
    int status = pw_encode_plain(value, type, false, cells, NULL);
    return status < 0 ? NULL : pw_bits_object(cells, type);
}

static PyObject *export_entry(const pw_export *export)
{
    return Py_BuildValue("(iI)", (int)export->type.kind, export->index);
}

/* Makes a dict of a module's exports. Their names are unique: validation has checked it. */
static PyObject *exports(PyObject *Py_UNUSED(module), PyObject *address)
{
    const pw_module *decoded = PyLong_AsVoidPtr(address);
    if (decoded == NULL) {
        return NULL;
    }
    const pw_module_info *info = &decoded->info;
    PyObject *table = PyDict_New();
    for (uint32_t i = 0; table != NULL && i < info->nexports; i++) {
        const pw_export *export = &info->exports[i];
        PyObject *name = PyUnicode_DecodeUTF8(export->name.data, export->name.size, NULL);
        PyObject *entry = export_entry(export);
        if (name == NULL || entry == NULL || PyDict_SetItem(table, name, entry) < 0) {
            Py_CLEAR(table);
        }
        Py_XDECREF(name);
        Py_XDECREF(entry);
    }
    return table;
}

/* Makes a tuple of what `by_code` has for each of the types. */
static PyObject *type_tuple(const pw_valtype *types, uint32_t count, PyObject *by_code)
{
    PyObject *tuple = PyTuple_New(count);
    for (uint32_t i = 0; tuple != NULL && i < count; i++) {
        PyObject *code = PyLong_FromUnsignedLong(types[i]);
        PyObject *type = code != NULL ? PyObject_GetItem(by_code, code) : NULL;
        Py_XDECREF(code);
        if (type == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, i, type);
        }
    }
    return tuple;
}

static PyObject *signature(PyObject *Py_UNUSED(module), PyObject *args)
{
    unsigned long long address;
    unsigned int index;
    PyObject *by_code;
    if (!PyArg_ParseTuple(args, "KIO:signature", &address, &index, &by_code)) {
        return NULL;
    }
    const pw_functype *type = &((const pw_module *)(uintptr_t)address)->info.types[index];
    return Py_BuildValue("(NN)", type_tuple(type->params, type->nparams, by_code),
                         type_tuple(type->results, type->nresults, by_code));
}

static PyMethodDef module_methods[] = {
    {"connect_thrown", connect_thrown, METH_VARARGS,
     PyDoc_STR("connect_thrown(thrown, wasm_exception, /): takes the function that makes the\n"
               "exception for what a guest has thrown, and its class.")},
    {"connect", connect, METH_VARARGS,
     PyDoc_STR(
         "connect(api, main_thread, doc, hooks, /): takes the address of the engine's pw_api\n"
         "and the functions that this module calls in the Python layer.")},
    {"after_fork", after_fork, METH_NOARGS,
     PyDoc_STR("Adapts the module to the child of a fork, where other threads do not exist.")},
    {"encode", encode, METH_VARARGS,
     PyDoc_STR("encode(value, type, /): converts a number or vector of a type to its bits.")},
    {"exports", exports, METH_O,
     PyDoc_STR("exports(module, /): lists the exports of the pw_module at an address.\n\n"
               "Returns a dict, in the module's order: name -> (kind, index).")},
    {"signature", signature, METH_VARARGS,
     PyDoc_STR(
         "signature(module, index, by_code, /): returns the types of the parameters, and those of\n"
         "the results, that a type index means in the pw_module at an address. The types are what\n"
         "`by_code` has for their codes.")},
    {"stop_code", pw_stop_code, METH_NOARGS,
     PyDoc_STR(
         "stop_code($module, /)\n--\n\n"
         "Tells whether the call whose host function runs on this thread must stop.\n\n"
         "Returns the number of the trap that it ends with, 0 if it need not stop, and None if no\n"
         "host function runs on this thread.")},
    {0},
};

/* ---- the module ---- */

static int add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **place)
{
    *place = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    return *place != NULL ? PyModule_AddType(module, *place) : -1;
}

static int module_exec(PyObject *module)
{
    pw_state *state = PyModule_GetState(module);
    state->call_plain = pw_call_plain;
    state->call_mixed = pw_call_mixed;
    state->call_refused = pw_call_refused;
    state->add_note_name = PyUnicode_InternFromString("add_note");
    state->notes = PyDict_New();
    state->layouts = PyDict_New();
    if (state->add_note_name == NULL || state->notes == NULL || state->layouts == NULL ||
        pw_make_small_ints() < 0 || add_type(module, &pw_store_spec, &state->store_type) < 0 ||
        add_type(module, &pw_anchor_spec, &state->anchor_type) < 0 ||
        add_type(module, &pw_sentinel_spec, &state->sentinel_type) < 0 ||
        add_type(module, &pw_function_spec, &state->function_type) < 0 ||
        add_type(module, &pw_bound_spec, &state->bound_type) < 0 ||
        add_type(module, &pw_host_spec, &state->host_type) < 0 ||
        add_type(module, &pw_memory_spec, &state->memory_type) < 0 ||
        add_type(module, &pw_global_spec, &state->global_type) < 0 ||
        add_type(module, &pw_table_spec, &state->table_type) < 0 ||
        add_type(module, &pw_fd_write_spec, &state->fd_write_type) < 0 ||
        add_type(module, &pw_once_spec, &state->once_type) < 0 ||
        add_type(module, &pw_aggregate_spec, &state->aggregate_type) < 0) {
        return -1;
    }
    return 0;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    pw_state *state = PyModule_GetState(module);
    Py_VISIT(state->trap);
    Py_VISIT(state->thrown);
    Py_VISIT(state->wasm_exception);
    Py_VISIT(state->error);
    Py_VISIT(state->note);
    Py_VISIT(state->add_note);
    Py_VISIT(state->closed);
    Py_VISIT(state->signature);
    Py_VISIT(state->call_argv);
    Py_VISIT(state->aio);
    Py_VISIT(state->describe);
    Py_VISIT(state->limits);
    Py_VISIT(state->array);
    Py_VISIT(state->element);
    Py_VISIT(state->layout);
    Py_VISIT(state->add_note_name);
    Py_VISIT(state->notes);
    Py_VISIT(state->layouts);
    Py_VISIT(state->brief);
    Py_VISIT(state->store_type);
    Py_VISIT(state->anchor_type);
    Py_VISIT(state->sentinel_type);
    Py_VISIT(state->function_type);
    Py_VISIT(state->bound_type);
    Py_VISIT(state->host_type);
    Py_VISIT(state->memory_type);
    Py_VISIT(state->global_type);
    Py_VISIT(state->table_type);
    Py_VISIT(state->fd_write_type);
    Py_VISIT(state->once_type);
    Py_VISIT(state->aggregates);
    Py_VISIT(state->aggregate_type);
    Py_VISIT(state->struct_class);
    Py_VISIT(state->array_class);
    return 0;
}

static int module_clear(PyObject *module)
{
    pw_state *state = PyModule_GetState(module);
    Py_CLEAR(state->trap);
    Py_CLEAR(state->thrown);
    Py_CLEAR(state->wasm_exception);
    Py_CLEAR(state->error);
    Py_CLEAR(state->note);
    Py_CLEAR(state->add_note);
    Py_CLEAR(state->closed);
    Py_CLEAR(state->signature);
    Py_CLEAR(state->call_argv);
    Py_CLEAR(state->aio);
    Py_CLEAR(state->describe);
    Py_CLEAR(state->limits);
    Py_CLEAR(state->array);
    Py_CLEAR(state->element);
    Py_CLEAR(state->layout);
    Py_CLEAR(state->add_note_name);
    Py_CLEAR(state->notes);
    Py_CLEAR(state->layouts);
    Py_CLEAR(state->brief);
    Py_CLEAR(state->store_type);
    Py_CLEAR(state->anchor_type);
    Py_CLEAR(state->sentinel_type);
    Py_CLEAR(state->function_type);
    Py_CLEAR(state->bound_type);
    Py_CLEAR(state->host_type);
    Py_CLEAR(state->memory_type);
    Py_CLEAR(state->global_type);
    Py_CLEAR(state->table_type);
    Py_CLEAR(state->fd_write_type);
    Py_CLEAR(state->once_type);
    Py_CLEAR(state->aggregates);
    Py_CLEAR(state->aggregate_type);
    Py_CLEAR(state->struct_class);
    Py_CLEAR(state->array_class);
    return 0;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "pywasm3._cpython",
    .m_doc = "The types of pywasm3 whose calls must cost as little as possible.",
    .m_size = sizeof(pw_state),
    .m_methods = module_methods,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
};

PyMODINIT_FUNC PyInit__cpython(void)
{
    pw_module_def = &module_def;
    return PyModuleDef_Init(&module_def);
}
