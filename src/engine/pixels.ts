import { Failure } from '../core/failure.ts';
import type { ImageSet } from '../core/images.ts';
import type { Network, Preprocessing } from '../core/network/types.ts';
import type { Random } from '../core/random.ts';
import { tf } from './tf.ts';
import type { Tensor } from './tf.ts';
import type { Recipe } from './types.ts';

const CHANNELS = 3;

/** Makes input batches out of pixels: count × height × width × 3, normalised as the network wants it. */
export interface Batches {
  /** The images at these places; with `augment`, each transformed at random. The tensor is the caller's. */
  images(indices: ArrayLike<number>, augment?: Augmenter): Tensor;
  /** One-hot rows of their labels. */
  labels(indices: ArrayLike<number>, classes: number): Tensor;
}

/** Writes one normalised image into `target` at `offset`. */
export type Augmenter = (source: Source, target: Float32Array, offset: number) => void;

export interface Source {
  readonly pixels: Uint8Array;
  /** Where the image begins in `pixels`. */
  readonly start: number;
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
    images(indices, augment = copy) {
      const values = new Float32Array(indices.length * size);
      for (let i = 0; i < indices.length; i++) {
        augment({ pixels, start: indices[i] * size, height, width, table }, values, i * size);
      }
      return tf.tensor(values, [indices.length, height, width, CHANNELS]);
    },
    labels(indices, classes) {
      const values = new Float32Array(indices.length * classes);
      for (let i = 0; i < indices.length; i++) values[i * classes + images.labels[indices[i]]] = 1;
      return tf.tensor(values, [indices.length, classes]);
    },
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

const copy: Augmenter = ({ pixels, start, height, width, table }, target, offset) => {
  const size = height * width * CHANNELS;
  for (let at = 0; at < size; at += CHANNELS) {
    target[offset + at] = table[pixels[start + at]];
    target[offset + at + 1] = table[256 + pixels[start + at + 1]];
    target[offset + at + 2] = table[512 + pixels[start + at + 2]];
  }
};

/**
 * Random flip, rotation about the centre and shift, drawn from `random` in this order for every image. Positions
 * outside take the nearest edge's value; between pixels the value is interpolated bilinearly.
 */
export function augmenterOf(augmentation: Recipe['augmentation'], random: Random): Augmenter {
  const { horizontalFlip, rotationDegrees, shift } = augmentation;
  if (!horizontalFlip && rotationDegrees === 0 && shift === 0) return copy;
  const either = (): number => 2 * random.next() - 1;
  return (source, target, offset) => {
    const flip = horizontalFlip && random.next() < 0.5;
    const angle = rotationDegrees === 0 ? 0 : (either() * rotationDegrees * Math.PI) / 180;
    const down = shift === 0 ? 0 : either() * shift * source.height;
    const right = shift === 0 ? 0 : either() * shift * source.width;
    sample(source, target, offset, { flip, angle, down, right });
  };
}

interface Placement {
  readonly flip: boolean;
  readonly angle: number;
  readonly down: number;
  readonly right: number;
}

function sample(source: Source, target: Float32Array, offset: number, { flip, angle, down, right }: Placement): void {
  const { pixels, start, height, width, table } = source;
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const middleY = (height - 1) / 2;
  const middleX = (width - 1) / 2;
  const clamp = (value: number, last: number): number => (value < 0 ? 0 : value > last ? last : value);
  let at = offset;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const fromMiddleY = y - middleY - down;
      const fromMiddleX = (flip ? width - 1 - x : x) - middleX - right;
      const sourceY = clamp(middleY + cos * fromMiddleY - sin * fromMiddleX, height - 1);
      const sourceX = clamp(middleX + sin * fromMiddleY + cos * fromMiddleX, width - 1);
      const top = Math.floor(sourceY);
      const left = Math.floor(sourceX);
      const low = sourceY - top;
      const far = sourceX - left;
      const upper = start + (top * width + left) * CHANNELS;
      const lower = top + 1 < height ? upper + width * CHANNELS : upper;
      const step = left + 1 < width ? CHANNELS : 0;
      for (let c = 0; c < CHANNELS; c++) {
        const first = table[c * 256 + pixels[upper + c]] * (1 - far) + table[c * 256 + pixels[upper + step + c]] * far;
        const second = table[c * 256 + pixels[lower + c]] * (1 - far) + table[c * 256 + pixels[lower + step + c]] * far;
        target[at++] = first * (1 - low) + second * low;
      }
    }
  }
}
