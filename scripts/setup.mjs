// Sets a fresh clone up: packages, the kernels, better-sqlite3, the TensorFlow binding. Plain Node, no dependency, idempotent;
// with nothing to do it takes well under a second. `npm run setup`, `npm test`, `npm run demo` and
// `espalier engine install` all run this file. ESPALIER_ENGINE=wasm leaves TensorFlow out.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, symlinkSync, writeFileSync, cpSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildKernels } from './build-kernels.mjs';

const TENSORFLOW = '2.21.0';
// The wheel is 0.3 GB, the libraries and headers taken out of it 1.1 GB, the compiler's intermediates little.
const DISK_NEEDED_BYTES = 2.5e9;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, '.cache');
const modules = join(root, 'node_modules');
const binding = join(modules, '@tensorflow', 'tfjs-node-gpu');
const tensorflow = join(cache, `tensorflow-${TENSORFLOW}-${process.platform}-${process.arch}`);
const engineFile = join(cache, 'engine.json');

/** Runs a command quietly; on failure rejects with the end of what it printed. */
function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let output = '';
    const keep = (chunk) => (output = (output + chunk).slice(-20_000));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => reject(new Error(`${command}: ${error.message}`)));
    child.on('close', (code) =>
      code === 0
        ? resolve(output)
        : reject(new Error(`${command} ${args.slice(0, 3).join(' ')} failed (exit ${code})\n${output.trim().slice(-1500)}`)),
    );
  });
}

const works = (command, args) =>
  run(command, args).then(
    () => true,
    () => false,
  );
const lastLine = (error) => error.message.trim().split('\n').at(-1);

function say(line) {
  process.stderr.write(`setup  ${line}\n`);
}

/** Runs one step and says how long it took; while it runs longer than a second, says what it is doing. */
async function step(label, work) {
  const begun = Date.now();
  const notice = setTimeout(() => say(`${label} …`), 1000);
  try {
    return await work();
  } finally {
    clearTimeout(notice);
    if (Date.now() - begun > 1000) say(`${label}: ${((Date.now() - begun) / 1000).toFixed(0)} s`);
  }
}

async function installPackages() {
  const stamp = join(modules, '.espalier-lock');
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(process.version)
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  await step('packages from the lock file', () => run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund']));
  writeFileSync(stamp, wanted);
}

/** Native files survive `npm ci` in .cache, one per package version and Node ABI. */
function cached(name, version) {
  return join(cache, 'native', `${name}-${version}-abi${process.versions.modules}-${process.platform}-${process.arch}.node`);
}

async function buildSqlite() {
  const folder = join(modules, 'better-sqlite3');
  const built = join(folder, 'build', 'Release', 'better_sqlite3.node');
  const loads = () => works(process.execPath, ['-e', "new (require('better-sqlite3'))(':memory:')"]);
  const keep = cached('better-sqlite3', JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version);
  if (existsSync(built)) return;
  if (existsSync(keep)) {
    cpSync(keep, built);
    if (await loads()) return;
  }
  await step('better-sqlite3', () => run('npm', ['rebuild', 'better-sqlite3', '--ignore-scripts=false', '--foreground-scripts']));
  if (!(await loads())) throw new Error('better-sqlite3 was built but does not load; remove node_modules and run the set-up again.');
  cpSync(built, keep);
}

/** Why TensorFlow cannot be built here, or undefined. */
async function obstacle() {
  if (process.env.ESPALIER_ENGINE && process.env.ESPALIER_ENGINE !== 'tensorflow') return `ESPALIER_ENGINE=${process.env.ESPALIER_ENGINE}`;
  if (process.platform !== 'linux') return `TensorFlow is built on Linux only, this is ${process.platform}`;
  if (!(await works('c++', ['--version'])) || !(await works('make', ['--version']))) return 'no C++ compiler (install g++ and make)';
  if (existsSync(join(tensorflow, 'complete'))) return undefined;
  if (!(await works('python3', ['-m', 'pip', '--version']))) return 'no pip (install python3-pip)';
  const disk = statfsSync(root);
  if (disk.bavail * disk.bsize < DISK_NEEDED_BYTES) return `under ${DISK_NEEDED_BYTES / 1e9} GB free on this disk`;
  return undefined;
}

/** TensorFlow's C libraries and headers, taken out of the Python wheel; no Python runs later. */
async function fetchTensorflow() {
  if (existsSync(join(tensorflow, 'complete'))) return;
  rmSync(tensorflow, { recursive: true, force: true });
  const wheels = join(tensorflow, 'wheel');
  mkdirSync(wheels, { recursive: true });
  const name = process.arch === 'x64' ? 'tensorflow-cpu' : 'tensorflow';
  await step(`TensorFlow ${TENSORFLOW} (0.3 GB)`, async () => {
    await run('python3', [
      '-m',
      'pip',
      'download',
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '--only-binary=:all:',
      '--implementation',
      'cp',
      '--python-version',
      '3.12',
      '--abi',
      'cp312',
      '--dest',
      wheels,
      `${name}==${TENSORFLOW}`,
    ]);
    await run('python3', [
      '-c',
      [
        'import glob, sys, zipfile',
        'wheel = zipfile.ZipFile(glob.glob(sys.argv[1] + "/wheel/*.whl")[0])',
        'wanted = ("tensorflow/include/", "tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2")',
        'wheel.extractall(sys.argv[1], [n for n in wheel.namelist() if n.startswith(wanted)])',
      ].join('\n'),
      tensorflow,
    ]);
  });
  rmSync(wheels, { recursive: true });
  writeFileSync(join(tensorflow, 'complete'), '');
}

function link(target, path) {
  rmSync(path, { force: true });
  symlinkSync(target, path);
}

function linkTensorflow() {
  const lib = join(binding, 'deps', 'lib');
  mkdirSync(lib, { recursive: true });
  link(join(tensorflow, 'tensorflow', 'include'), join(binding, 'deps', 'include'));
  // The second name of each pair is the SONAME, so that no LD_LIBRARY_PATH is needed.
  for (const name of ['libtensorflow.so', 'libtensorflow_cc.so.2'])
    link(join(tensorflow, 'tensorflow', 'libtensorflow_cc.so.2'), join(lib, name));
  for (const name of ['libtensorflow_framework.so', 'libtensorflow_framework.so.2'])
    link(join(tensorflow, 'tensorflow', 'libtensorflow_framework.so.2'), join(lib, name));
}

async function buildBinding() {
  const version = JSON.parse(readFileSync(join(binding, 'package.json'), 'utf8')).version;
  const built = join(binding, 'lib', 'napi-v8', 'tfjs_binding.node');
  const keep = cached('tfjs-binding', `${version}-${TENSORFLOW}`);
  linkTensorflow();
  if (existsSync(built)) return;
  if (existsSync(keep)) return cpSync(keep, built);
  // node-pre-gyp and not node-gyp: the binding's gyp file needs variables that only it sets.
  const nodedir = existsSync('/usr/include/node/node_api.h') ? { npm_config_nodedir: '/usr' } : {};
  await step('TensorFlow binding', () =>
    run(process.execPath, [join(modules, '.bin', 'node-pre-gyp'), 'install', '--build-from-source'], {
      cwd: binding,
      env: { ...process.env, ...nodedir, JOBS: String(availableParallelism()) },
    }),
  );
  cpSync(built, keep);
}

/** Builds the tensorflow backend, or says in one line why it is wasm; records either for `espalier engine info`. */
async function installEngine() {
  const record = (engine) => writeFileSync(engineFile, JSON.stringify(engine));
  const reason = await obstacle();
  if (reason) {
    record({ backend: 'wasm', reason });
    return say(`engine wasm: ${reason}`);
  }
  const built = { backend: 'tensorflow', reason: `built against TensorFlow ${TENSORFLOW} on this machine` };
  const recorded = existsSync(engineFile) && readFileSync(engineFile, 'utf8') === JSON.stringify(built);
  try {
    await fetchTensorflow();
    await buildBinding();
    if (recorded) return;
    await run(process.execPath, ['-e', "require('util').isNullOrUndefined ??= (x) => x == null; require('@tensorflow/tfjs-node-gpu')"]);
    record(built);
    say(`engine tensorflow: ${built.reason}`);
  } catch (error) {
    const failed = `TensorFlow could not be built: ${lastLine(error)}`;
    record({ backend: 'wasm', reason: failed });
    say(`engine wasm: ${failed}`);
  }
}

mkdirSync(join(cache, 'native'), { recursive: true });
try {
  await installPackages();
  await step('Dice kernels', buildKernels);
  // Both compile; neither waits for the other's download.
  await Promise.all([buildSqlite(), installEngine()]);
} catch (error) {
  say(error.message);
  process.exit(1);
}
