import { describe, expect, it } from 'vitest';
import { activationSites, channelsOf, inferShapes } from '../../core/network/index.ts';
import { referenceForward } from '../../core/network/reference.ts';
import { withRandomWeights } from '../../core/network/testing.ts';
import type { Network } from '../../core/network/types.ts';
import type { OnProgress } from '../../core/progress.ts';
import { tf } from '../tf.ts';
import type { Checkpoints, Engine, Recipe } from '../types.ts';
import { distance, learnableImages, randomImages, recipe, tiny } from './fixtures.ts';

const CLASSES = 4;
/** Of an epoch of 90 images. */
const STEPS = 6;
const train = learnableImages(90, CLASSES, 1);
const validation = learnableImages(40, CLASSES, 2);
const augmented: Recipe = {
  ...recipe,
  epochs: 4,
  augmentation: { horizontalFlip: true, rotationDegrees: 10, shift: 0.1 },
};

const inMemory = (): Checkpoints & { bytes?: Uint8Array } => {
  const store: Checkpoints & { bytes?: Uint8Array } = {
    load: async () => store.bytes,
    save: async (bytes) => {
      store.bytes = bytes;
    },
  };
  return store;
};

const valuesOf = (network: Network): number[] => [...network.weights.values()].flatMap(({ data }) => [...data]);

/** Fails when the run leaves tensors behind. */
async function withoutLeak<T>(run: () => Promise<T>): Promise<T> {
  const before = tf.memory().numTensors;
  const result = await run();
  expect(tf.memory().numTensors).toBe(before);
  return result;
}

/** The whole interface on one backend. */
export function describeEngine(open: () => Engine): void {
  describe('train', () => {
    it('learns a small problem and returns the best epoch', async () => {
      const network = withRandomWeights(tiny);
      const given = valuesOf(network);
      const result = await withoutLeak(() => open().train(network, train, validation, { ...recipe, epochs: 8 }));
      const [first, last] = [result.history[0], result.history[7]];
      expect(last.loss).toBeLessThan(0.6 * first.loss);
      const best = result.history[result.bestEpoch - 1];
      const highest = Math.max(...result.history.map((epoch) => epoch.validationAccuracy));
      const within = (accuracy: number): boolean => accuracy >= highest - Math.sqrt((highest * (1 - highest)) / validation.count);
      expect(result.bestEpoch).toBe(result.history.findLast(({ validationAccuracy }) => within(validationAccuracy))?.epoch);
      expect(best.validationAccuracy).toBeGreaterThan(0.6);
      const scores = await open().logits(result.network, validation);
      const correct = validation.labels.filter((label, i) => {
        const row = scores.subarray(i * CLASSES, (i + 1) * CLASSES);
        return row.indexOf(Math.max(...row)) === label;
      });
      expect(correct.length / validation.count).toBe(best.validationAccuracy);
      expect(valuesOf(network)).toEqual(given);
    });

    it('gives equal weights for equal seeds and others for other seeds', async () => {
      const network = withRandomWeights(tiny);
      const run = async (seed: number): Promise<number[]> =>
        valuesOf((await open().train(network, train, validation, { ...augmented, epochs: 2, seed })).network);
      const first = await run(1);
      expect(await run(1)).toEqual(first);
      expect(await run(2)).not.toEqual(first);
    });

    it('goes on from a checkpoint as if never stopped', async () => {
      const network = withRandomWeights(tiny);
      const whole = await open().train(network, train, validation, augmented);
      const store = inMemory();
      const controller = new AbortController();
      // A checkpoint after every step; killed within the third epoch, of which four steps are done.
      let saved = 0;
      const save = async (bytes: Uint8Array): Promise<void> => {
        await store.save(bytes);
        if (++saved === 2 * STEPS + 4) controller.abort();
      };
      const checkpoints = { ...store, save };
      const killed = open().train(network, train, validation, augmented, { checkpoints, checkpointSeconds: 0, signal: controller.signal });
      await expect(withoutLeak(() => killed.catch((error) => Promise.resolve(error.code)))).resolves.toBe('cancelled');
      const resumed = await open().train(network, train, validation, augmented, { checkpoints });
      expect(resumed.history).toEqual(whole.history);
      expect(resumed.bestEpoch).toBe(whole.bestEpoch);
      expect(valuesOf(resumed.network)).toEqual(valuesOf(whole.network));
      // A finished training is not run again.
      const again = await open().train(network, train, validation, augmented, { checkpoints });
      expect(valuesOf(again.network)).toEqual(valuesOf(whole.network));
      await expect(open().train(network, train, validation, { ...augmented, seed: 9 }, { checkpoints })).rejects.toThrow('another recipe');
    });

    it('observes in one pass what features, logits and activations are', async () => {
      const network = withRandomWeights(tiny);
      const sampling = { positionsPerImage: 3, seed: 5, batchSize: 7 };
      const seen = await withoutLeak(() => open().observe(network, train, { ...sampling, probeImages: 10 }));
      const features = await open().features(network, train);
      const probe = { ...train, count: 10, pixels: train.pixels.subarray(0, (train.pixels.length / train.count) * 10) };
      expect(seen.features.dimensions).toBe(features.dimensions);
      expect(distance(seen.features.values, features.values)).toBeLessThan(1e-5);
      expect(distance(seen.logits, await open().logits(network, train))).toBeLessThan(1e-5);
      const activations = await open().activations(network, probe, sampling);
      expect([...seen.activations.keys()]).toEqual([...activations.keys()]);
      for (const [conv, { values, ...about }] of activations) {
        const { values: own, ...others } = seen.activations.get(conv) ?? { values: [] };
        expect(others).toEqual(about);
        expect(distance(own, values)).toBeLessThan(1e-5);
      }
    });

    it('pauses after an epoch and goes on', async () => {
      const network = withRandomWeights(tiny);
      const whole = await open().train(network, train, validation, augmented);
      const checkpoints = inMemory();
      const paused = await open().train(network, train, validation, augmented, { checkpoints, pauseAfter: 1 });
      expect(paused.history).toEqual(whole.history.slice(0, 1));
      const resumed = await open().train(network, train, validation, augmented, { checkpoints });
      expect(resumed.history).toEqual(whole.history);
      expect(valuesOf(resumed.network)).toEqual(valuesOf(whole.network));
    });

    it('tunes the head alone, with frozen BatchNormalization', async () => {
      const network = withRandomWeights(tiny);
      const result = await withoutLeak(() => open().train(network, train, validation, { ...recipe, learningRate: 0.1, tune: 'head' }));
      const changed = [...network.weights.keys()].filter(
        (key) => distance(result.network.weights.get(key)?.data ?? [], network.weights.get(key)?.data ?? []) > 0,
      );
      expect(changed).toEqual(['d/kernel', 'd/bias']);
      expect(result.history[2].loss).toBeLessThan(result.history[0].loss);
    });

    it('stops with the learning rate when the loss is not finite', async () => {
      const network = withRandomWeights(tiny);
      const run = (): Promise<unknown> =>
        open()
          .train(network, train, validation, { ...recipe, learningRate: 1e30 })
          .catch((error) => Promise.resolve(error));
      const failure = await withoutLeak(run);
      expect(failure).toMatchObject({ code: 'non-finite-weights', field: 'recipe.learningRate' });
      expect(failure).toHaveProperty('message', expect.stringMatching(/in step \d+ at learning rate \S+; the step before had [\d.e+]+\.$/));
    });

    it('holds as many tensors and bytes after a thousand steps as after the first', async () => {
      const images = learnableImages(1000, CLASSES, 3);
      const held: unknown[] = [];
      const onProgress: OnProgress = ({ phase }) => {
        const { numTensors, numBytes } = tf.memory();
        if (phase.startsWith('train')) held.push({ numTensors, numBytes });
      };
      await open().train(
        withRandomWeights(tiny),
        images,
        validation,
        { ...augmented, epochs: 1, batchSize: 1, averaging: 0.9 },
        { onProgress },
      );
      expect(held.length).toBeGreaterThan(1);
      for (const later of held) expect(later).toEqual(held[0]);
    });

    it('reports progress to the end', async () => {
      const seen: string[] = [];
      await open().train(withRandomWeights(tiny), train, validation, recipe, {
        onProgress: ({ phase, done, total, imagesPerSecond, secondsLeft }) => {
          expect(total).toBe(phase.startsWith('train') ? train.count : validation.count);
          expect(imagesPerSecond).toBeGreaterThan(0);
          expect(secondsLeft).toBeGreaterThanOrEqual(0);
          if (done === total) seen.push(phase);
        },
      });
      const epochs = [1, 2, 3].flatMap((epoch) => [`train epoch ${epoch}/3`, `validate epoch ${epoch}/3`]);
      expect(seen).toEqual(epochs);
    });
  });

  it('gives the same logits and features for any batch size', async () => {
    const network = withRandomWeights(tiny);
    const all = await withoutLeak(() => open().logits(network, validation));
    expect(distance(await open().logits(network, validation, { batchSize: 7 }), all)).toBeLessThan(1e-5);
    const { dimensions, values } = await withoutLeak(() => open().features(network, validation, { batchSize: 7 }));
    expect(dimensions).toBe(8);
    const reference = referenceForward(network, pixelsOf(0)).get('drop') ?? new Float32Array();
    expect(distance(values.subarray(0, 8), reference)).toBeLessThan(1e-4);
  });

  it('refuses images of another size, none, and labels that are no class', async () => {
    const network = withRandomWeights(tiny);
    await expect(open().logits(network, randomImages(2, 2, 1, 9))).rejects.toMatchObject({ code: 'shape-mismatch' });
    await expect(open().logits(network, randomImages(0, 2, 1, 8))).rejects.toMatchObject({ code: 'unusable-dataset' });
    const stray = { ...validation, labels: validation.labels.with(3, CLASSES) };
    const failure = { code: 'unusable-dataset', field: 'validation' };
    await expect(open().train(network, train, stray, recipe)).rejects.toMatchObject(failure);
  });

  it('reads activations where METHOD.md says, channel-major', async () => {
    const network = withRandomWeights(tiny);
    const images = { ...validation, count: 3 };
    const all = await withoutLeak(() => open().activations(network, images, { positionsPerImage: 1000, seed: 1, batchSize: 2 }));
    const sites = activationSites(network);
    expect(sites.map(({ conv, read }) => [conv, read])).toEqual([
      ['c1', 'r1'],
      ['c2', 'n2'],
    ]);
    const shapes = inferShapes(network);
    for (const { conv, read, nonNegative } of sites) {
      const [height, width] = shapes.get(read) ?? [];
      const channels = channelsOf(shapes.get(read) ?? []);
      const sample = all.get(conv);
      expect(sample).toMatchObject({ channels, samples: 3 * height * width, nonNegative });
      const expected = new Float32Array(channels * 3 * height * width);
      for (const image of [0, 1, 2]) {
        const map = referenceForward(network, pixelsOf(image)).get(read) ?? new Float32Array();
        for (const [at, value] of map.entries()) {
          expected[(at % channels) * 3 * height * width + image * height * width + Math.floor(at / channels)] = value;
        }
      }
      expect(distance(sample?.values ?? [], expected)).toBeLessThan(1e-4);
    }
  });

  it('samples positions by the seed, whatever the batch size', async () => {
    const network = withRandomWeights(tiny);
    const run = async (seed: number, batchSize: number): Promise<ArrayLike<number>> =>
      (await open().activations(network, validation, { positionsPerImage: 5, seed, batchSize })).get('c1')?.values ?? [];
    const first = await run(1, 40);
    expect(first).toHaveLength(8 * 5 * validation.count);
    expect(distance(await run(1, 7), first)).toBeLessThan(1e-5);
    expect(distance(await run(2, 40), first)).toBeGreaterThan(1e-2);
  });

  it('recalibrates to the mean of the batches’ statistics', async () => {
    const network = withRandomWeights(tiny);
    const images = { ...train, count: 8 };
    const options = { batches: 2, batchSize: 4, seed: 3 };
    const recalibrated = await withoutLeak(() => open().recalibrate(network, images, options));
    const mean = new Float64Array(8);
    for (let image = 0; image < 8; image++) {
      const map = referenceForward(network, pixelsOf(image, train.pixels)).get('c1') ?? new Float32Array();
      for (const [at, value] of map.entries()) mean[at % 8] += value / (64 * 8);
    }
    expect(distance(recalibrated.weights.get('n1/moving_mean')?.data ?? [], mean)).toBeLessThan(1e-4);
    expect(recalibrated.weights.get('n1/moving_variance')?.data).not.toEqual(network.weights.get('n1/moving_variance')?.data);
    expect(recalibrated.weights.get('n1/gamma')).toEqual(network.weights.get('n1/gamma'));
    // The statistics that were there do not matter.
    const other = new Map(network.weights).set('n1/moving_mean', { shape: [8], data: new Float32Array(8).fill(100) });
    const again = await open().recalibrate({ ...network, weights: other }, images, options);
    expect(again.weights.get('n1/moving_mean')).toEqual(recalibrated.weights.get('n1/moving_mean'));
  });

  it('measures latency and speed', async () => {
    const network = withRandomWeights(tiny);
    const times = await withoutLeak(() => open().latency([network, network], { batchSize: 4, runs: 3 }));
    expect(times).toHaveLength(2);
    for (const { lowMs, medianMs, highMs } of times) {
      expect(lowMs).toBeGreaterThan(0);
      expect(medianMs).toBeGreaterThanOrEqual(lowMs);
      expect(highMs).toBeGreaterThanOrEqual(medianMs);
    }
    expect(await withoutLeak(() => open().speedCheck())).toBeGreaterThan(1);
  });
}

function pixelsOf(image: number, pixels: Uint8Array = validation.pixels): Float32Array {
  return Float32Array.from(pixels.subarray(image * 192, (image + 1) * 192), (value) => value / 255);
}
