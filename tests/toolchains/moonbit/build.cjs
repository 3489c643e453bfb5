// SPDX-License-Identifier: MIT
// Compiles a file of MoonBit to a module with structures and arrays: node build.cjs PACKAGE SOURCE
// OUT EXPORTS. PACKAGE is the folder of npm's @moonbit/moonpad-monaco, which has the compiler, and
// the sources of MoonBit's core library as strings in a script.
const fs = require('fs');
const [folder, source, out, exported] = process.argv.slice(2);
const TARGET = 'wasm-gc', CORE = 'moonbitlang/core', MAIN = 'tests/main';

// ---- the compiler, which is a worker: it gets messages, and answers by messages ----

const listeners = [], waiting = new Map();
globalThis.self = globalThis;
globalThis.require = require;
globalThis.addEventListener = (_, listener) => listeners.push(listener);
globalThis.postMessage = (answer) => waiting.get(answer.id)?.(answer);
(0, eval)(fs.readFileSync(`${folder}/dist/moonc-worker.js`, 'utf8'));

const call = (name, argument) => new Promise((resolve, reject) => {
    const id = String(waiting.size);
    waiting.set(id, ({type, value}) => type === 'HANDLER' ? reject(value) : resolve(value));
    const data = {id, type: 'APPLY', path: [name], argumentList: [{type: 'RAW', value: argument}]};
    for (const listener of listeners) listener({data, origin: '*'});
});

// ---- the core library ----

const coreFiles = () => {
    const script = fs.readFileSync(`${folder}/dist/moonpad-monaco.js`, 'utf8');
    const encoded = new Map();
    for (const [, name, text] of script.matchAll(/([\w$]+) = [\w$]+\("([A-Za-z0-9+/=]*)"\)/g))
        encoded.set(name, text);
    const files = new Map();
    for (const [, path, name] of script.matchAll(/\["(\/lib\/core\/[^"]+)"\] = ([\w$]+)/g))
        files.set(path, Buffer.from(encoded.get(name) ?? '', 'base64').toString());
    return files;
};

const place = (name) => name === CORE ? '/lib/core' : `/lib/core/${name.slice(CORE.length + 1)}`;
const built = new Map();
const interfaces = (uses) => uses.map(({path, alias}) => [`${place(path)}:${alias}`,
    built.get(path).mi]);
const all = () => [...built.keys()].map((path) => ({path, alias: path.slice(CORE.length + 1)}));

const build = async (name, files, uses, isMain) => {
    const result = await call('buildPackage', {
        mbtFiles: files, miFiles: interfaces(uses), indirectImportMiFiles: interfaces(all()),
        stdMiFiles: [], target: TARGET, pkg: name,
        pkgSources: [`${CORE}:moonbit-core:/lib/core`, `${MAIN}:main:/`], isMain,
        errorFormat: 'human', enableValueTracing: false, noOpt: false});
    if (!result.core) throw `${name}: ${(result.diagnostics ?? []).join('\n')}`;
    built.set(name, result);
};

const main = async () => {
    const files = coreFiles();
    const packages = new Map(JSON.parse(files.get('/lib/core/_build/packages.json')).packages
        .map((each) => [each.rel ? `${each.root}/${each.rel}` : each.root, each]));
    const buildCore = async (name) => {
        if (built.has(name)) return;
        const {deps, files: sources} = packages.get(name);
        for (const {path} of deps) await buildCore(path);
        const own = Object.entries(sources)
            .filter(([, {backend, optlevel}]) => backend.includes('WasmGC')
                && optlevel.includes('Release'))
            .map(([path]) => [path.split('/').pop(), files.get(path.slice(path.indexOf(':') + 1))]);
        await build(name, own, deps, false);
    };
    const builtin = `${CORE}/builtin`;
    await buildCore(builtin);
    const names = (exported ?? '').split(',').filter(Boolean);
    await build(MAIN, [['main.mbt', fs.readFileSync(source, 'utf8')]],
        [{path: builtin, alias: 'builtin'}], !names.length);
    const {result} = await call('linkCore', {
        coreFiles: [...built.values()].map(({core}) => core), main: MAIN,
        pkgSources: [`${CORE}:moonbit-core:/lib/core`, `${MAIN}:main:/`], target: TARGET,
        exportedFunctions: names, outputFormat: 'wasm', testMode: false, debug: false,
        noOpt: false, sourceMap: false, sources: {}, stopOnMain: false});
    fs.writeFileSync(out, result);
};

main().catch((error) => {
    process.stderr.write(`${JSON.stringify(error?.message ?? error)}\n`);
    process.exitCode = 1;
});
