import type { Preprocessing, Shape } from '../core/network/types.ts';
import type { Graph, GraphStyle } from './graph.ts';

/** An architecture as data: how its blocks are laid out, and what its original expects of an image. */
export interface Blueprint {
  readonly id: string;
  readonly family: string;
  readonly description: string;
  readonly inputShape: readonly [number, number, number];
  readonly classes: number;
  /** Where its checkpoints do not expect {@link DEFAULT_PREPROCESSING}. */
  readonly preprocessing?: Preprocessing;
  lay(graph: Graph, classes: number): void;
  /** Names of another library for the layers that `lay` names. */
  rename?(id: string): string;
  /** What its layers do otherwise than PyTorch's. */
  readonly style?: GraphStyle;
  /** Whether its first convolution reads blue, green, red. */
  readonly bgr?: true;
  /** Shape of a tensor in the original where it has other axes of one than ours laid out for PyTorch. */
  storedShape?(name: string, shape: Shape): Shape;
}

/** ImageNet's mean and deviation, which the CIFAR checkpoints use too. */
export const DEFAULT_PREPROCESSING: Preprocessing = {
  scale: 1 / 255,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  resize: 'shorter-side-centre-crop',
};

/** −1…1, which the Inception networks expect. */
export const SYMMETRIC_PREPROCESSING: Preprocessing = { ...DEFAULT_PREPROCESSING, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

/** A blueprint of ImageNet's 1,000 classes on square images. */
export function imagenet(given: Omit<Blueprint, 'inputShape' | 'classes'>, side = 224): Blueprint {
  return { ...given, inputShape: [side, side, 3], classes: 1000 };
}

/** The multiple of 8 nearest to a scaled width, at least 8 and never more than a tenth below it (Sandler 2018). */
export function roundedWidth(width: number): number {
  const rounded = Math.max(8, Math.floor((width + 4) / 8) * 8);
  return rounded < 0.9 * width ? rounded + 8 : rounded;
}
