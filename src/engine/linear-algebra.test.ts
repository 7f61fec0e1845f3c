import { beforeAll, expect, it } from 'vitest';
import type { LinearAlgebra } from '../core/linear/algebra.ts';
import { referenceAlgebra } from '../core/linear/testing/reference.fixture.ts';
import { loadBackend } from './backend.ts';
import { tensorflowAlgebra, type TensorflowBinding } from './linear-algebra.ts';
import { describeAlgebra, rows } from './testing/algebra.ts';
import { tf } from './tf.ts';

let linear: LinearAlgebra;
beforeAll(async () => ({ linear } = await loadBackend('tensorflow', 2)));

describeAlgebra('TensorFlow', () => linear);

it('multiplies in float32 where all values are', () => {
  const a = rows(70, 45, 1);
  const inSingle = linear.gramOfRows({ ...a, values: Float32Array.from(a.values) });
  expect(inSingle).not.toEqual(linear.gramOfRows({ ...a, values: Float64Array.from(Float32Array.from(a.values)) }));
});

it('releases what it held, also when TensorFlow refuses', () => {
  const { binding } = tf.backend() as unknown as { binding: TensorflowBinding & { getNumOfTensors(): number } };
  const before = binding.getNumOfTensors();
  const always = tensorflowAlgebra(binding, referenceAlgebra);
  always.eigen(referenceAlgebra.gramOfColumns(rows(40, 40, 7)), 40);
  const negative = new Float64Array(40 * 40);
  for (let i = 0; i < 40; i++) negative[i * 41] = -1;
  expect(() => always.solve(negative, 40, new Float64Array(40), 1)).toThrow('not positive definite');
  expect(() => always.products(rows(40, 40, 1), rows(40, 39, 1))).toThrow(/matrix/i);
  expect(binding.getNumOfTensors()).toBe(before);
});
