import type { ImageSet } from '../../../core/images.ts';
import type { JobContext } from '../../types.ts';
import { joined, packSplits, subset } from '../images.ts';

/** Scores need no more: their intervals are then about a point of accuracy wide, and k-NN grows with the square. */
const SCORE_IMAGES_MAX = 2000;
/** Images of each class that a sample keeps at least, where there are so many: one to judge and one to be judged by. */
const CLASS_IMAGES_MIN = 2;

/** The target's images at one size; test images are not among them, and are never read. */
export interface TargetImages {
  readonly train: ImageSet;
  readonly validation: ImageSet;
  /** Those that scores are computed on: train first, then validation. */
  readonly scored: ImageSet;
}

type Size = { readonly height: number; readonly width: number };

/** Reads the images at a size; the last size is kept, so that candidates are best taken in the order of their sizes. */
export function openImages(context: JobContext<'recommend'>): (size: Size) => Promise<TargetImages> {
  let last: { readonly key: string; readonly images: Promise<TargetImages> } | undefined;
  return (size) => {
    const key = `${size.height}×${size.width}`;
    if (last?.key !== key) last = { key, images: read(context, size) };
    return last.images;
  };
}

async function read(context: JobContext<'recommend'>, size: Size): Promise<TargetImages> {
  const { dataset } = context.input;
  const { train, validation } = await packSplits(context, dataset, size, ['train', 'validation']);
  const classes = dataset.report.classes.length;
  const share = sampleSize(dataset.report.counts) / (train.count + validation.count);
  return { train, validation, scored: joined(sampled(train, share, classes), sampled(validation, share, classes)) };
}

/** How many images scores are computed on, where no class is rare. */
export function sampleSize({ train, validation }: { readonly train: number; readonly validation: number }): number {
  return Math.min(train + validation, SCORE_IMAGES_MAX);
}

/** So large a share of each class; a split is stored in random order, so that its first images are a random sample. */
export function sampled(images: ImageSet, share: number, classes: number): ImageSet {
  if (share >= 1) return images;
  const sizes = new Int32Array(classes);
  for (const label of images.labels) sizes[label]++;
  const wanted = sizes.map((size) => Math.min(size, Math.max(CLASS_IMAGES_MIN, Math.round(share * size))));
  const positions: number[] = [];
  for (let image = 0; image < images.count; image++) if (wanted[images.labels[image]]-- > 0) positions.push(image);
  return subset(images, positions);
}
