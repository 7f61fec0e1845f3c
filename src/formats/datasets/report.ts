import { Failure } from '../../core/failure.ts';
import { splitNames, type DatasetReport } from './container.ts';
import type { LabelledImage, RefusedFile } from './label.ts';
import type { Splits } from './splits.ts';

const REFUSED_FILES_LISTED = 20;

/**
 * Counts what an import found.
 *
 * @throws Failure `unusable-dataset` for an empty split or a class without a training image
 */
export function buildReport(found: {
  readonly fileName: string;
  readonly classNames: readonly string[];
  readonly splits: Splits<LabelledImage & { readonly label: number }>;
  readonly splitsGiven: boolean;
  readonly duplicates: number;
  readonly refused: readonly RefusedFile[];
  readonly seed: number;
}): DatasetReport {
  const { fileName, classNames, splits, refused } = found;
  const unusable = (what: string, hint: string): Failure =>
    new Failure('unusable-dataset', `${fileName} ${what}.`, { hint, field: fileName });
  const classes = classNames.map((name) => ({ name, train: 0, validation: 0, test: 0 }));
  for (const split of splitNames) for (const { label } of splits[split]) classes[label][split]++;
  for (const split of splitNames) {
    if (splits[split].length === 0) {
      const because = found.duplicates > 0 ? `once ${found.duplicates} duplicates of other splits are left out` : '';
      throw unusable(
        `leaves the ${split} split empty${because && ` ${because}`}`,
        'Add images, or leave the split folders out to have splits made.',
      );
    }
  }
  const untrained = classes.find(({ train }) => train === 0);
  if (untrained) {
    throw unusable(
      `holds no train image of class "${untrained.name}"`,
      `Add images, or leave the class out with --exclude ${untrained.name}.`,
    );
  }
  const images = splitNames.flatMap((split) => splits[split]);
  const bySize = images.sort((a, b) => a.height * a.width - b.height * b.width || a.height - b.height);
  const sizeAt = (position: number): [number, number] => [bySize[position].height, bySize[position].width];
  const greys = images.filter(({ grey }) => grey).length;
  return {
    classes,
    counts: { train: splits.train.length, validation: splits.validation.length, test: splits.test.length },
    size: { minimum: sizeAt(0), median: sizeAt(Math.floor(images.length / 2)), maximum: sizeAt(images.length - 1) },
    channels: greys === images.length ? 'grey' : greys === 0 ? 'rgb' : 'mixed',
    splitsGiven: found.splitsGiven,
    duplicates: found.duplicates,
    refused: { count: refused.length, files: refused.slice(0, REFUSED_FILES_LISTED) },
    seed: found.seed,
  };
}
