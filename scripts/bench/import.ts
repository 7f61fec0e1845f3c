import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from '../../src/core/stats/index.ts';
import { readModel, writeOnnx } from '../../src/formats/models/index.ts';
import { encodeNetwork } from '../../src/formats/network.ts';
import type { Figure } from './types.ts';
import { resnet50 } from './networks.ts';

const RUNS = 5;

/** A ResNet-50 of 100 MB from a file of this service's own export to a checked Network. */
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
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}
