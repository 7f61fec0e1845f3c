import { Failure } from '../../core/failure.ts';
import { fingerprintOf, type ImageFacts } from '../images.ts';
import { splitNames, type DatasetIndex, type SplitName } from './container.ts';
import { placeImages } from './layout.ts';

/** A readable image file whose bytes are in the container. */
export interface StoredImage extends ImageFacts {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
}

export type StoredIdx =
  | {
      readonly kind: 'images';
      readonly name: string;
      readonly split: SplitName;
      /** count, height, width */
      readonly shape: readonly number[];
      readonly offset: number;
      readonly pixels: Uint8Array;
    }
  | { readonly kind: 'labels'; readonly name: string; readonly split: SplitName; readonly labels: Uint8Array };

export interface LabelledImage extends StoredImage {
  readonly className: string;
  readonly split: SplitName | null;
}

/** A file of the archive that is not in the dataset, and why. */
export interface RefusedFile {
  readonly name: string;
  readonly reason: string;
}

interface Labelled {
  readonly images: LabelledImage[];
  readonly raw: DatasetIndex['raw'];
  readonly refused: RefusedFile[];
}

/** Share of an archive's image files that may be unreadable or misplaced before the archive is refused as a whole. */
const REFUSED_SHARE_MAX = 0.1;
const IMAGE_NAME = /\.(jpe?g|png|webp|gif|bmp|tiff?|heic|avif)$/i;

/**
 * Gives images of class folders their classes and splits.
 *
 * @throws Failure `unusable-dataset` when there is no image, or too many files are refused
 */
export function labelFolders(images: readonly StoredImage[], unreadable: readonly RefusedFile[], fileName: string): Labelled {
  if (images.length === 0) throw noImage(unreadable, fileName);
  const placed: LabelledImage[] = [];
  const refused: RefusedFile[] = [];
  for (const [position, place] of placeImages(images.map(({ name }) => name)).entries()) {
    const image = images[position];
    if (place) placed.push({ ...image, ...place });
    else refused.push({ name: image.name, reason: 'is in no CLASS/ or SPLIT/CLASS/ folder' });
  }
  const lost = [...unreadable.filter(({ name }) => IMAGE_NAME.test(name)), ...refused];
  if (lost.length > REFUSED_SHARE_MAX * (lost.length + placed.length)) {
    throw new Failure(
      'unusable-dataset',
      `${fileName} holds ${lost.length} unusable images among ${lost.length + placed.length}: ${lost[0].name} ${lost[0].reason}.`,
      {
        hint: 'Put images into CLASS/ folders, or SPLIT/CLASS/ with train, validation and test, and repair or remove damaged ones.',
        field: fileName,
      },
    );
  }
  return { images: placed, raw: null, refused };
}

function noImage(files: readonly RefusedFile[], fileName: string): Failure {
  const kinds = new Map<string, number>();
  for (const { name } of files) {
    const kind = /[^/](\.[^./]+)$/.exec(name)?.[1].toLowerCase() ?? 'nameless';
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  const found = [...kinds].sort(([, a], [, b]) => b - a).map(([kind, count]) => `${count} ${kind} file${count === 1 ? '' : 's'}`);
  const first = files.length > 0 ? ` (${files[0].name} ${files[0].reason})` : '';
  return new Failure(
    'unusable-dataset',
    `${fileName} holds no readable image: it holds ${found.slice(0, 5).join(', ') || 'no file'}${first}.`,
    {
      hint: 'Pack JPEG, PNG, WebP or GIF images in CLASS/ folders, or an IDX pair of images and labels.',
      field: fileName,
    },
  );
}

/**
 * Pairs IDX images with their labels, split by split. Classes are the label values.
 *
 * @throws Failure `unusable-dataset` for a missing or second partner, unequal counts or unequal image sizes
 */
export function labelIdx(files: readonly StoredIdx[], others: readonly StoredImage[], fileName: string): Labelled {
  const unusable = (what: string): Failure =>
    new Failure('unusable-dataset', `${fileName} ${what}.`, {
      hint: 'Each split needs one IDX file of images and one of labels.',
      field: fileName,
    });
  const images: LabelledImage[] = [];
  let raw: Labelled['raw'] = null;
  for (const split of splitNames) {
    const pictures = files.flatMap((file) => (file.kind === 'images' && file.split === split ? [file] : []));
    const labels = files.flatMap((file) => (file.kind === 'labels' && file.split === split ? [file] : []));
    if (pictures.length === 0 && labels.length === 0) continue;
    if (pictures.length !== 1 || labels.length !== 1) {
      throw unusable(`holds ${pictures.length} IDX image files and ${labels.length} label files for ${split}`);
    }
    const [{ shape, pixels, offset }] = pictures;
    const [count, height, width] = shape;
    if (count !== labels[0].labels.length) throw unusable(`holds ${count} ${split} images but ${labels[0].labels.length} labels`);
    if (raw && (raw.height !== height || raw.width !== width)) throw unusable('holds IDX images of different sizes');
    raw = { height, width, channels: 1 };
    const bytes = height * width;
    for (const [position, label] of labels[0].labels.entries()) {
      const fingerprint = fingerprintOf({ ...raw, pixels: pixels.subarray(position * bytes, (position + 1) * bytes) });
      const name = `${split} #${position}`;
      images.push({
        name,
        offset: offset + position * bytes,
        bytes,
        height,
        width,
        grey: true,
        fingerprint,
        className: String(label),
        split,
      });
    }
  }
  return { images, raw, refused: others.map(({ name }) => ({ name, reason: 'stands beside the IDX files, which hold the images' })) };
}
