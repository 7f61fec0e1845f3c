// Compiles the AssemblyScript kernels to src/kernels/*.wasm (ignored by git). Plain Node; the set-up calls it, and it does
// nothing when sources, compiler and options are those of the last build. The same input gives the same bytes: `--check`.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const compiler = join(root, 'node_modules', 'assemblyscript');
const KERNELS = ['dice'];
// No runtime, no assertions; memory is shared between threads and may grow to 2 GiB.
const OPTIONS =
  '-O3 --noAssert --runtime stub --enable simd --enable threads --importMemory --sharedMemory --initialMemory 1 --maximumMemory 32768'.split(
    ' ',
  );

const built = (kernel) => join(root, 'src', 'kernels', `${kernel}.wasm`);
const source = (kernel) => join('src', 'kernels', 'assembly', `${kernel}.ts`);

function compile(kernel, outFile) {
  execFileSync(process.execPath, [join(compiler, 'bin', 'asc.js'), source(kernel), ...OPTIONS, '--outFile', outFile], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Compiles what has changed since the last build. */
export function buildKernels() {
  const { version } = JSON.parse(readFileSync(join(compiler, 'package.json'), 'utf8'));
  for (const kernel of KERNELS) {
    const stamp = join(root, '.cache', 'kernels', `${kernel}.hash`);
    const hash = createHash('sha256')
      .update(readFileSync(join(root, source(kernel))))
      .update([version, ...OPTIONS].join(' '))
      .digest('hex');
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
    for (const kernel of KERNELS) {
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
