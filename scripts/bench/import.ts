import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from '../../src/core/stats/index.ts';
import { readModel, writeOnnx } from '../../src/formats/models/index.ts';
import { encodeNetwork } from '../../src/formats/network.ts';
import type { Figure } from './types.ts';
import { resnet50 } from './networks.ts';

const RUNS = 5;

/** Resident bytes that a process needs for a model at most, beyond those it has without it; Linux counts them. */
function memoryOfImport(path: string): number {
  const script = `import { readFileSync } from 'node:fs';
    import { readModel } from './src/formats/models/index.ts';
    const peak = () => 1024 * Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
    const before = peak();
    await readModel(process.argv[1], { fileName: 'model' });
    console.log(peak() - before);`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script, path];
  return Number(execFileSync(process.execPath, args, { cwd: join(import.meta.dirname, '../..'), encoding: 'utf8' }));
}

/** A ResNet-50 of 100 MB from a file of this service's own export to a checked Network; the memory is its peak, of a process of its own. */
export async function* importModels(): AsyncGenerator<Figure> {
  const folder = await mkdtemp(join(tmpdir(), 'espalier-bench-'));
  try {
    for (const [format, write] of [
      ['safetensors', encodeNetwork],
      ['onnx', writeOnnx],
    ] as const) {
      const path = join(folder, format);
      const bytes = write(resnet50());
      await writeFile(path, bytes);
      const seconds: number[] = [];
      for (let run = 0; run < RUNS; run++) {
        const start = performance.now();
        await readModel(path, { fileName: `resnet50.${format}` });
        seconds.push((performance.now() - start) / 1000);
      }
      yield { name: `import resnet50 ${format}`, value: median(seconds), unit: 's' };
      yield { name: `import resnet50 ${format} memory`, value: memoryOfImport(path) / bytes.length, unit: 'of the file' };
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}
