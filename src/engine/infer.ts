import { Failure } from '../core/failure.ts';
import { channelsOf, featuresNode, logitsNode, sizeOf } from '../core/network/index.ts';
import type { ImageSet } from '../core/images.ts';
import type { Network } from '../core/network/types.ts';
import type { Backend } from './backend.ts';
import { forward, upload } from './execute.ts';
import type { ForwardOptions } from './execute.ts';
import { batchesOf } from './pixels.ts';
import { planOf } from './plan.ts';
import type { Plan } from './plan.ts';
import { tf } from './tf.ts';
import type { Tensor } from './tf.ts';
import type { RunOptions } from './types.ts';

/** Values of one input batch: large enough to keep every core busy, small enough for the feature maps of a ResNet-50. */
const BATCH_VALUES = 256 * 32 * 32;
const BATCH_LEAST = 8;
const BATCH_MOST = 256;
const PROGRESS_MS = 250;

export function defaultBatchSize({ height, width }: ImageSet): number {
  return Math.max(BATCH_LEAST, Math.min(BATCH_MOST, Math.floor(BATCH_VALUES / (height * width))));
}

/** Lets timers, messages and signals through. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** @throws Failure `cancelled` once the signal has fired. */
export function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new Failure('cancelled', 'The run was cancelled.', { hint: 'Start it again to go on.' });
}

/**
 * Runs a plan over images in batches, in their order, and hands each output to `use`, which owns nothing of it.
 * @throws Failure `cancelled`, `shape-mismatch`, `unusable-dataset`.
 */
export async function overBatches(
  { primitives }: Backend,
  run: { readonly network: Network; readonly plan: Plan; readonly images: ImageSet; readonly phase: string } & RunOptions,
  use: (output: Tensor, first: number, count: number) => void,
  observe?: ForwardOptions['observe'],
): Promise<void> {
  const { network, plan, images, phase, onProgress, signal, batchSize = defaultBatchSize(images) } = run;
  const batches = batchesOf(network, images);
  const weights = upload(plan);
  const begun = performance.now();
  let reported = begun;
  try {
    for (let first = 0; first < images.count; first += batchSize) {
      stopIfAborted(signal);
      const count = Math.min(batchSize, images.count - first);
      tf.tidy(() => {
        const x = batches.images(Array.from({ length: count }, (_, i) => first + i));
        use(forward(primitives, plan, weights, x, { observe }), first, count);
      });
      const now = performance.now();
      const done = first + count;
      if (now - reported >= PROGRESS_MS || done === images.count) {
        reported = now;
        const imagesPerSecond = (done * 1000) / Math.max(1, now - begun);
        onProgress?.({ phase, done, total: images.count, imagesPerSecond, secondsLeft: (images.count - done) / imagesPerSecond });
      }
      await breathe();
    }
  } finally {
    tf.dispose([...weights.values()]);
  }
}

export async function logits(backend: Backend, network: Network, images: ImageSet, options: RunOptions = {}): Promise<Float32Array> {
  const plan = planOf(network, logitsNode(network).id, { fuse: 'inference' });
  const classes = sizeOf(plan.outputShape);
  const values = new Float32Array(images.count * classes);
  await overBatches(backend, { ...options, network, plan, images, phase: `predict ${network.metadata.name}` }, (output, first) =>
    values.set(output.dataSync<'float32'>(), first * classes),
  );
  return values;
}

/** See Engine.logitsOf. */
export async function logitsOf({ primitives }: Backend, network: Network, inputs: Float32Array): Promise<Float32Array> {
  const plan = planOf(network, logitsNode(network).id, { fuse: 'inference' });
  const count = inputs.length / sizeOf(plan.inputShape);
  const weights = upload(plan);
  try {
    return tf.tidy(() =>
      forward(primitives, plan, weights, tf.tensor(inputs, [count, ...plan.inputShape]))
        .dataSync<'float32'>()
        .slice(),
    );
  } finally {
    tf.dispose([...weights.values()]);
  }
}

export async function features(
  backend: Backend,
  network: Network,
  images: ImageSet,
  options: RunOptions = {},
): Promise<{ dimensions: number; values: Float32Array }> {
  const plan = planOf(network, featuresNode(network).id, { fuse: 'inference' });
  const dimensions = channelsOf(plan.outputShape);
  const values = new Float32Array(images.count * dimensions);
  await overBatches(backend, { ...options, network, plan, images, phase: `features ${network.metadata.name}` }, (output, first) => {
    const vectors = output.rank === 4 ? tf.mean(output, [1, 2]) : output;
    values.set(vectors.dataSync<'float32'>(), first * dimensions);
  });
  return { dimensions, values };
}
