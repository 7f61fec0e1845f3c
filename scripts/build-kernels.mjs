// Compiles the AssemblyScript kernels to src/kernels/*.wasm (ignored by git). Plain Node; the set-up calls it, and it does
// nothing when sources, compiler and options are those of the last build. The same input gives the same bytes: `--check`.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const compiler = join(root, 'node_modules', 'assemblyscript');
const sources = join(root, 'src', 'kernels', 'assembly');
// No runtime and no assertions.
const COMMON = '-O3 --noAssert --runtime stub --enable simd --importMemory';
/** Each module's own options. */
const KERNELS = {
  // Memory is shared between threads and may grow to 2 GiB.
  dice: `${COMMON} --enable threads --sharedMemory --initialMemory 1 --maximumMemory 32768`,
  // Memory is tfjs-wasm's, as large as it may be.
  training: `${COMMON} --initialMemory 0 --use abort=`,
};

const built = (kernel) => join(root, 'src', 'kernels', `${kernel}.wasm`);

function compile(kernel, outFile) {
  const options = KERNELS[kernel].split(' ');
  execFileSync(
    process.execPath,
    [join(compiler, 'bin', 'asc.js'), join('src', 'kernels', 'assembly', `${kernel}.ts`), ...options, '--outFile', outFile],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
}

/** Compiles what has changed since the last build. */
export function buildKernels() {
  const { version } = JSON.parse(readFileSync(join(compiler, 'package.json'), 'utf8'));
  // Sources import each other, so every module depends on all of them.
  const all = createHash('sha256').update(version);
  for (const file of readdirSync(sources).sort()) all.update(file).update(readFileSync(join(sources, file)));
  for (const [kernel, options] of Object.entries(KERNELS)) {
    const stamp = join(root, '.cache', 'kernels', `${kernel}.hash`);
    const hash = all.copy().update(options).digest('hex');
    if (existsSync(built(kernel)) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) continue;
    compile(kernel, built(kernel));
    mkdirSync(dirname(stamp), { recursive: true });
    writeFileSync(stamp, hash);
  }
}

/** Fails unless compiling again gives the bytes that are there. */
function checkKernels() {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-kernels-'));
  try {
    for (const kernel of Object.keys(KERNELS)) {
      const again = join(folder, `${kernel}.wasm`);
      compile(kernel, again);
      if (!readFileSync(again).equals(readFileSync(built(kernel)))) throw new Error(`${built(kernel)} is not what its source compiles to.`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (process.argv.includes('--check')) checkKernels();
  else buildKernels();
}
