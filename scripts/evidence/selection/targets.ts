import type { ImageSet } from '../../../src/core/images.ts';
import { createRandom } from '../../../src/core/random.ts';
import { progressLine } from '../../progress.ts';
import { mnist, sourceImages, sources, type ImageSource } from '../../zoo/sources.ts';

/** How a target's images are changed. */
type Variant = 'plain' | 'grey' | 'noisy' | 'inverted';

export interface Target {
  readonly id: string;
  readonly source: ImageSource;
  /** Classes that no backbone has seen; the others are left out. */
  readonly excluded: readonly string[];
  /** Images of each class to learn from. */
  readonly perClass: number;
  readonly variant: Variant;
}

export interface TargetImages {
  /** What scores and fine-tuning see. */
  readonly learn: ImageSet;
  readonly test: ImageSet;
  readonly classNames: readonly string[];
}

/** The mean of three accuracies is then known to about two points. */
const TEST_IMAGES = 1000;
/** Standard deviation of the noise, of 255. */
const NOISE = 40;
const SEED = 0;

const { cifar, fashion } = sources();
const cifarSeen = ['airplane', 'bird', 'cat', 'deer', 'horse', 'ship'];
const fashionSeen = ['0', '1', '2', '3', '4', '5'];

const target = (name: string, source: ImageSource, excluded: readonly string[], perClass: number, variant: Variant = 'plain'): Target => ({
  id: `${name}-${perClass}${variant === 'plain' ? '' : `-${variant}`}`,
  source,
  excluded,
  perClass,
  variant,
});

/** The most telling first: what is measured when the time is short. */
export const targets: readonly Target[] = [
  target('cifar', cifar, cifarSeen, 30),
  target('fashion', fashion, fashionSeen, 30),
  target('mnist', mnist, [], 30),
  target('cifar', cifar, cifarSeen, 100),
  target('fashion', fashion, fashionSeen, 30, 'inverted'),
  target('cifar', cifar, cifarSeen, 30, 'grey'),
  target('mnist', mnist, [], 10),
  target('cifar', cifar, cifarSeen, 10),
  target('fashion', fashion, fashionSeen, 10),
  target('cifar', cifar, cifarSeen, 30, 'noisy'),
  target('mnist', mnist, [], 100),
  target('fashion', fashion, fashionSeen, 100),
  target('mnist', mnist, [], 30, 'inverted'),
];

/** A target's images at the side that a backbone takes. */
export async function imagesOf({ source, excluded, perClass, variant }: Target, side: number): Promise<TargetImages> {
  const { learn, test, classNames } = await pool({ ...source, side }, excluded);
  const changed = (images: ImageSet, seed: number): ImageSet => ({
    ...images,
    pixels: change[variant](images.pixels.subarray(0, images.pixels.length), seed),
  });
  return { learn: changed(firstOfEach(learn, perClass), 1), test: changed(test, 2), classNames };
}

const pools = new Map<string, Promise<TargetImages>>();

/** What the targets of one source draw from, decoded once a side. */
function pool(source: ImageSource, excluded: readonly string[]): Promise<TargetImages> {
  const key = `${source.id} ${source.side}`;
  const known = pools.get(key) ?? drawn(source, excluded);
  pools.set(key, known);
  return known;
}

async function drawn(source: ImageSource, excluded: readonly string[]): Promise<TargetImages> {
  const all = await sourceImages(source, excluded, { seed: SEED, name: `${source.id}-unseen`, onProgress: progressLine(source.id) });
  const most = Math.max(...targets.map(({ perClass }) => perClass));
  return {
    learn: firstOfEach(all.train, most),
    test: firstOfEach(all.test, Math.floor(TEST_IMAGES / all.classNames.length)),
    classNames: all.classNames,
  };
}

/** The first so many images of each class; splits are in random order, so that they are a random sample. */
function firstOfEach(images: ImageSet, perClass: number): ImageSet {
  const { height, width } = images;
  const imageBytes = height * width * 3;
  const taken = new Map<number, number>();
  const positions = Array.from(images.labels.keys()).filter((position) => {
    const label = images.labels[position];
    const before = taken.get(label) ?? 0;
    taken.set(label, before + 1);
    return before < perClass;
  });
  const pixels = new Uint8Array(positions.length * imageBytes);
  positions.forEach((from, to) => pixels.set(images.pixels.subarray(from * imageBytes, (from + 1) * imageBytes), to * imageBytes));
  return { count: positions.length, height, width, pixels, labels: Int32Array.from(positions, (position) => images.labels[position]) };
}

const change: Readonly<Record<Variant, (pixels: Uint8Array, seed: number) => Uint8Array>> = {
  plain: (pixels) => pixels,
  inverted: (pixels) => pixels.map((value) => 255 - value),
  grey: (pixels) =>
    pixels.map((_, at) => {
      const pixel = at - (at % 3);
      // Rec. 601 luma.
      return Math.round(0.299 * pixels[pixel] + 0.587 * pixels[pixel + 1] + 0.114 * pixels[pixel + 2]);
    }),
  noisy(pixels, seed) {
    const random = createRandom(seed);
    return pixels.map((value) => Math.max(0, Math.min(255, Math.round(value + NOISE * random.normal()))));
  },
};
