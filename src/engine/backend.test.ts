import { expect, it } from 'vitest';
import { loadBackend } from './backend.ts';
import type { Loaders } from './backend.ts';
import { libraryAlgebra } from './library-algebra.ts';
import { portable } from './primitives/portable.ts';

const works = async (threads: number) => ({ version: '1', threads, device: 'cpu', primitives: portable, linear: libraryAlgebra });
const breaks = async (): Promise<never> => {
  throw new Error('no such file: binding\nand a long stack');
};
const loaders: Loaders = { tensorflow: works, wasm: works, cpu: works };

it('takes TensorFlow where it loads', async () => {
  const { info } = await loadBackend(undefined, 2, undefined, loaders);
  expect(info).toMatchObject({ backend: 'tensorflow', threads: 2, reason: 'the fastest, and it loads here' });
});

it('falls back to wasm and says why', async () => {
  const { info } = await loadBackend(undefined, 2, undefined, { ...loaders, tensorflow: breaks });
  expect(info).toMatchObject({ backend: 'wasm', reason: 'The tensorflow engine does not load: no such file: binding' });
});

it('does not replace a backend that was asked for', async () => {
  const asked = loadBackend('tensorflow', 2, undefined, { ...loaders, tensorflow: breaks });
  await expect(asked).rejects.toMatchObject({ code: 'engine-unavailable' });
  const { info } = await loadBackend('wasm', 1, 'ESPALIER_ENGINE=wasm', loaders);
  expect(info).toMatchObject({ backend: 'wasm', reason: 'ESPALIER_ENGINE=wasm' });
});
