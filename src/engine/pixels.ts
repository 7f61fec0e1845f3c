import { Failure } from '../core/failure.ts';
import type { ImageSet } from '../core/images.ts';
import type { Network, Preprocessing } from '../core/network/types.ts';
import { tf } from './tf.ts';
import type { Tensor } from './tf.ts';

export const CHANNELS = 3;

/** Makes input batches out of pixels: count × height × width × 3, normalised as the network wants it. */
export interface Batches {
  /** The images at these places; with `augment`, each transformed at random. The tensor is the caller's. */
  images(indices: ArrayLike<number>, augment?: Augmenter): Tensor;
  /** The share that each class should get, a row an image: all to its label, less `smoothing`, which goes to all alike. */
  targets(indices: ArrayLike<number>, classes: number, smoothing?: number): Tensor;
  /** What `perClass` says of their labels. */
  weights(indices: ArrayLike<number>, perClass: Float32Array): Tensor;
}

/** Writes one normalised image into `target` at `offset`. */
export type Augmenter = (source: Source, target: Float32Array, offset: number) => void;

export interface Source {
  /** height × width × 3 bytes. */
  readonly pixels: Uint8Array;
  readonly height: number;
  readonly width: number;
  /** Value of a pixel byte in channel c: table[c · 256 + byte]. */
  readonly table: Float32Array;
}

/**
 * Batches of an image set for a network.
 * @throws Failure `shape-mismatch` when the images are not of the network's input size; `unusable-dataset` when there are none.
 */
export function batchesOf(network: Network, images: ImageSet): Batches {
  const { height, width, pixels } = images;
  const [input] = network.nodes;
  const wanted = input.kind === 'Input' ? input.config.shape : [];
  if (height !== wanted[0] || width !== wanted[1]) {
    throw new Failure('shape-mismatch', `The images are ${height}×${width}, the network takes ${wanted[0]}×${wanted[1]}.`, {
      hint: 'Resize the dataset to the network’s input size first.',
      field: 'images',
    });
  }
  if (images.count === 0) {
    throw new Failure('unusable-dataset', 'There are no images to run on.', { hint: 'Give at least one image.', field: 'images' });
  }
  const table = normalisationTable(network.metadata.preprocessing);
  const size = height * width * CHANNELS;
  return {
    images(indices, augment = copyImage) {
      const values = new Float32Array(indices.length * size);
      for (let i = 0; i < indices.length; i++) {
        const start = indices[i] * size;
        augment({ pixels: pixels.subarray(start, start + size), height, width, table }, values, i * size);
      }
      return tf.tensor(values, [indices.length, height, width, CHANNELS]);
    },
    targets(indices, classes, smoothing = 0) {
      const values = new Float32Array(indices.length * classes).fill(smoothing / classes);
      for (let i = 0; i < indices.length; i++) values[i * classes + images.labels[indices[i]]] += 1 - smoothing;
      return tf.tensor(values, [indices.length, classes]);
    },
    weights: (indices, perClass) => tf.tensor1d(Float32Array.from(indices, (index) => perClass[images.labels[index]])),
  };
}

/** @throws Failure `unusable-dataset` when a label is no class of the network. */
export function checkLabels({ labels }: ImageSet, classes: number, field: string): void {
  const stray = labels.find((label) => label < 0 || label >= classes);
  if (stray === undefined) return;
  throw new Failure('unusable-dataset', `The label ${stray} is none of the network’s ${classes} classes.`, {
    hint: 'Give the network a head for this dataset’s classes first.',
    field,
  });
}

function normalisationTable({ scale, mean, std }: Preprocessing): Float32Array {
  return Float32Array.from({ length: CHANNELS * 256 }, (_, at) => ((at % 256) * scale - mean[at >> 8]) / std[at >> 8]);
}

/** The image as it is, normalised. */
export const copyImage: Augmenter = ({ pixels, height, width, table }, target, offset) => {
  const size = height * width * CHANNELS;
  for (let at = 0; at < size; at += CHANNELS) {
    target[offset + at] = table[pixels[at]];
    target[offset + at + 1] = table[256 + pixels[at + 1]];
    target[offset + at + 2] = table[512 + pixels[at + 2]];
  }
};
