import { describe, expect, it } from 'vitest';
import { withRandomWeights } from '../../core/network/testing.ts';
import type { Network } from '../../core/network/types.ts';
import type { TrainingHook } from '../../core/training-hook.ts';
import { tf } from '../tf.ts';
import type { Engine, Recipe, TrainOptions, TrainResult } from '../types.ts';
import { learnableImages, recipe, tiny } from './fixtures.ts';

const train = learnableImages(96, 4, 1);
const validation = learnableImages(40, 4, 2);
const network = withRandomWeights(tiny);

const valuesOf = ({ weights }: Network): number[] => [...weights.values()].flatMap(({ data }) => [...data]);
const valuesAt = ({ weights }: Network, key: string): number[] => [...(weights.get(key)?.data ?? [])];
const magnitude = (values: readonly number[]): number => values.reduce((sum, value) => sum + Math.abs(value), 0);

/** A coefficient for every second channel of the first convolution, more each time that it is asked for. */
const growing = (asked: number[] = []): TrainingHook => ({
  penalty: {
    everySteps: 4,
    at: ({ step, steps }, weights) => {
      asked.push(step);
      // Of the weights too, so that another moment would give another penalty.
      const size = magnitude([...(weights().get('c1/kernel') ?? [])]);
      const kernel = Float32Array.from({ length: 3 * 3 * 3 * 8 }, (_, at) => (at % 2) * (step / steps + size / 100));
      return { norm: 'l2', coefficients: new Map([['c1/kernel', kernel]]) };
    },
  },
});
/** Sets the first filter of the second convolution to zero. */
const zeroing: TrainingHook = {
  project: (weights) =>
    new Map([['c2/kernel', (weights.get('c2/kernel') ?? new Float32Array()).map((value, at) => (at % 8 === 0 ? 0 : value))]]),
};

/** What a pruning schedule may do to a training, on one backend. */
export function describeHooks(open: () => Engine): void {
  const trained = async (change: Partial<Recipe>, options: TrainOptions): Promise<TrainResult> => {
    const before = tf.memory().numTensors;
    const result = await open().train(network, train, validation, { ...recipe, ...change }, options);
    expect(tf.memory().numTensors).toBe(before);
    return result;
  };

  describe('hooks', () => {
    it('penalise weights in the gradient, L2 and L1, at the steps asked for', async () => {
      const asked: number[] = [];
      const plain = await trained({ result: 'last' }, {});
      const after = await trained({ result: 'last' }, { hook: growing(asked) });
      // Six steps an epoch: at its beginning and after the fourth.
      expect(asked).toEqual([0, 4, 6, 10, 12, 16]);
      const sizes = (result: TrainResult): number[] =>
        [0, 1].map((odd) => magnitude(valuesAt(result.network, 'c1/kernel').filter((_, at) => at % 2 === odd)));
      expect(sizes(after)[1]).toBeLessThan(0.9 * sizes(plain)[1]);
      expect(sizes(after)[0]).toBeGreaterThan(0.9 * sizes(plain)[0]);
      const ones = new Map([['n1/gamma', new Float32Array(8).fill(10)]]);
      const slim = await trained(
        { result: 'last' },
        { hook: { penalty: { everySteps: 99, at: () => ({ norm: 'l1', coefficients: ones }) } } },
      );
      expect(magnitude(valuesAt(slim.network, 'n1/gamma'))).toBeLessThan(magnitude(valuesAt(plain.network, 'n1/gamma')) - 0.5);
    });

    it('replace weights after an epoch, and these are what is validated and returned', async () => {
      const { network: after, history } = await trained({ result: 'last' }, { hook: zeroing });
      const kernel = valuesAt(after, 'c2/kernel');
      expect(kernel.every((value, at) => (value === 0) === (at % 8 === 0))).toBe(true);
      const scores = await open().logits(after, validation);
      const right = validation.labels.filter((label, i) => {
        const row = scores.subarray(4 * i, 4 * i + 4);
        return row.indexOf(Math.max(...row)) === label;
      });
      expect(right.length / validation.count).toBe(history[2].validationAccuracy);
    });

    it('end the training, and leave weights without decay', async () => {
      expect((await trained({ epochs: 5 }, { hook: { ended: () => true } })).history).toHaveLength(1);
      const still: Partial<Recipe> = { learningRate: 1e-9, weightDecay: 1e8, epochs: 1, schedule: { kind: 'constant' } };
      const { network: after } = await trained(still, { hook: { undecayed: new Set(['c1/kernel']) } });
      const share = (key: string): number => magnitude(valuesAt(after, key)) / magnitude(valuesAt(network, key));
      expect(share('c1/kernel')).toBeCloseTo(1, 4);
      expect(share('c2/kernel')).toBeLessThan(0.7);
    });

    it('go on from a checkpoint as if never stopped', async () => {
      const hook = { ...growing(), ...zeroing };
      const whole = await trained({ result: 'last' }, { hook });
      for (const stop of [1, 2, 3, 4]) {
        let bytes: Uint8Array | undefined;
        let saved = 0;
        const controller = new AbortController();
        const checkpoints = {
          load: async () => bytes,
          async save(given: Uint8Array) {
            bytes = given;
            if (++saved === stop) controller.abort();
          },
        };
        const options = { hook, checkpoints, checkpointSeconds: 0 };
        await expect(trained({ result: 'last' }, { ...options, signal: controller.signal })).rejects.toMatchObject({ code: 'cancelled' });
        const resumed = await trained({ result: 'last' }, options);
        expect(resumed.history).toEqual(whole.history);
        expect(valuesOf(resumed.network)).toEqual(valuesOf(whole.network));
      }
    });
  });
}
