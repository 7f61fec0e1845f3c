import { thumbnail } from '../images.ts';
import { splitNames, type SplitName } from './container.ts';
import type { Dataset } from './open.ts';

/** One thumbnail of a dataset, ready for JSON. */
export interface Sample {
  readonly split: SplitName;
  readonly class: string;
  readonly mediaType: string;
  /** base64 */
  readonly data: string;
}

/** Sides of a thumbnail: sharp enough in a grid, a few KB each. */
const SIDE_MAX = 128;
/** Thumbnails of one sheet: it is sent and kept as one JSON of some MB. */
const SHEET_MAX = 2000;
const PER_CLASS_MAX = 20;

/** Thumbnails of the first images of each split and class; equally many a class, so that a sheet stays within 2,000 (but one each at least). */
export async function sampleSheet(dataset: Dataset): Promise<Sample[]> {
  const { classNames, splits } = dataset;
  const perClass = Math.min(PER_CLASS_MAX, Math.max(1, Math.floor(SHEET_MAX / (splitNames.length * classNames.length))));
  const sheet: Sample[] = [];
  for (const split of splitNames) {
    const shown = classNames.map(() => 0);
    for (const [position, { label }] of splits[split].entries()) {
      if (shown[label] === perClass) continue;
      shown[label]++;
      const { bytes, name } = await dataset.image(split, position);
      const png = await thumbnail(bytes, SIDE_MAX, name);
      sheet.push({ split, class: classNames[label], mediaType: 'image/png', data: Buffer.from(png).toString('base64') });
    }
  }
  return sheet;
}
