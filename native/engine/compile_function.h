/* SPDX-License-Identifier: MIT */
/* Part of engine.c: the compilation of a function, which is done once, also when it fails. */

#define MESSAGE_WORDS (sizeof(((pw_store *)0)->message) / sizeof(code_t))

/* wasm3's words, and what more it says. */
static void describe_failure(pw_store *store, M3Runtime *runtime, M3Result error)
{
    M3ErrorInfo info = {0};
    m3_GetErrorInfo(runtime, &info);
    const char *more = info.message ? info.message : "";
    if (error == m3Err_functionStackOverflow) {
        error = "function too large";
        more = "more than " M3_STR(
            d_m3MaxFunctionStackHeight) " values at a time, of parameters, "
                                        "locals (" M3_STR(PW_NEAR_LOCALS) " count), operands, and "
                                                                          "parameters and results "
                                                                          "of open blocks";
    }
    snprintf(store->message, sizeof store->message, "%s%s%s", error, more[0] ? ": " : "", more);
}

/* Code that fails as the compilation did: compiling again would leave what it got done behind once
 * more. */
static pc_t failing_code(M3Function *function, M3Result error)
{
    M3Runtime *runtime = function->module->runtime;
    pw_store *store = pw_instance_of(function)->store;
    IM3CodePage page = AcquireCodePageWithCapacity(runtime, 3 + MESSAGE_WORDS);
    if (!page)
        return NULL;
    pc_t code = GetPagePC(page);
    EmitWord(page, op_pwFailed);
    EmitWord(page, function);
    EmitWord(page, error);
    memcpy(&page->code[page->info.lineIndex], store->message, sizeof store->message);
    page->info.lineIndex += MESSAGE_WORDS;
    ReleaseCodePage(runtime, page);
    return code;
}

/* Failures that another call, or another thread, need not meet. */
static bool may_pass(M3Result error)
{
    return pw_classify(error) == PW_TRAP_NO_MEMORY || error == blocks_nest_too_deep;
}

/* wasm3 clears its own state. After a failure the store's message says why. */
static M3Result compile_once(M3Function *function)
{
    pw_instance *instance = pw_instance_of(function);
    pw_compilation *state = &instance->store->compilation;
    state->first_free[0] = state->first_free[1] = state->preserved = 0;
    state->operations = state->seen = 0;
    state->allowance = VALUES_PER_BYTE * (u64)(function->wasmEnd - function->wasm);
    M3Result error = CompileFunction(function);
    free(instance->far_types);
    instance->far_types = NULL;
    if (error)
        describe_failure(instance->store, instance->runtime, error);
    return error;
}

M3Result pw_compile(M3Function *function)
{
    M3Result error = compile_once(function);
    if (!error)
        return NULL;
    /* wasm3 sets it before the last thing that can fail. */
    function->compiled = may_pass(error) ? NULL : failing_code(function, error);
    return function->compiled ? NULL : trap_in(pw_instance_of(function)->store, function, error);
}

pw_trap pw_compile_all(pw_instance *instance, u32 *index)
{
    for (*index = instance->m3->numFuncImports; *index < instance->m3->numFunctions; ++*index) {
        M3Result error = compile_once(&instance->m3->functions[*index]);
        if (error)
            return pw_classify(error);
    }
    return PW_TRAP_NONE;
}
