import { beforeAll, expect, it } from 'vitest';
import type { LinearAlgebra } from '../core/linear/algebra.ts';
import { loadBackend } from './backend.ts';
import { libraryAlgebra } from './library-algebra.ts';
import { describeAlgebra, rows } from './testing/algebra.ts';
import { tf } from './tf.ts';

let linear: LinearAlgebra;
beforeAll(async () => ({ linear } = await loadBackend('wasm', 1)));

describeAlgebra('ml-matrix alone', () => libraryAlgebra);
describeAlgebra('WebAssembly', () => linear);

it('multiplies float32 on the backend, and leaves nothing there', () => {
  const a = rows(70, 45, 1);
  const inSingle = { ...a, values: Float32Array.from(a.values) };
  const before = tf.memory().numTensors;
  for (const product of ['gramOfRows', 'gramOfColumns'] as const) {
    expect(linear[product](inSingle)).not.toEqual(libraryAlgebra[product](inSingle));
    expect(linear[product](a)).toEqual(libraryAlgebra[product](a));
  }
  expect(tf.memory().numTensors).toBe(before);
});
