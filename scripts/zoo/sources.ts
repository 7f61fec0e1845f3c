import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { uploadOf } from '../../src/cli/pack.ts';
import type { ImageSet } from '../../src/core/images.ts';
import type { Preprocessing } from '../../src/core/network/types.ts';
import type { OnProgress } from '../../src/core/progress.ts';
import { importDataset, openDataset, type SplitName } from '../../src/formats/datasets/index.ts';

const root = join(import.meta.dirname, '../..');
export const cacheFolder = join(root, '.cache/zoo');

export interface ImageSource {
  readonly id: string;
  readonly title: string;
  /** An archive, or a folder of IDX files. */
  readonly path: string;
  /** How to get it where it is absent. */
  readonly missing: string;
  /** Names for the numbers of an IDX file, by number. */
  readonly names?: readonly string[];
  readonly side: number;
}

/** What the zoo is trained on. Some classes are left out of everything, so that they stay unseen targets for the recommendation to be judged on. */
export interface Source extends ImageSource {
  /** As the files name them. */
  readonly heldOut: readonly string[];
  /** The architecture's own where it is not given. */
  readonly preprocessing?: Preprocessing;
  /** The same for every backbone, so that their accuracies compare. */
  readonly epochs: number;
}

/** No backbone is trained on it. */
export const mnist: ImageSource = {
  id: 'mnist',
  title: 'MNIST (LeCun 1998)',
  path: join(root, '../shared/data/mnist'),
  missing: 'Put the four IDX files of MNIST into ../shared/data/mnist.',
  side: 28,
};

/** Where Debian's package puts it. */
const FASHION_FOLDER = '/usr/share/datasets/fashion-mnist';

/** @param fashionFolder where the four files of Fashion-MNIST are. */
export function sources(fashionFolder = FASHION_FOLDER): { readonly cifar: Source; readonly fashion: Source } {
  return {
    cifar: {
      id: 'cifar',
      title: 'CIFAR-10 (Krizhevsky 2009), images re-encoded as JPEG quality 75',
      path: join(root, '../shared/data/cifar10-jpeg.tar.gz'),
      missing: 'Put cifar10-jpeg.tar.gz (train/CLASS/*.jpg, test/CLASS/*.jpg) into ../shared/data.',
      heldOut: ['automobile', 'dog', 'frog', 'truck'],
      side: 32,
      epochs: 30,
    },
    fashion: {
      id: 'fashion',
      title: 'Fashion-MNIST (Xiao 2017), grey, MIT licence',
      path: fashionFolder,
      missing: "Install Debian's package dataset-fashion-mnist, or name the folder of its four files with --fashion DIR.",
      heldOut: ['6', '7', '8', '9'],
      names: ['t-shirt', 'trouser', 'pullover', 'dress', 'coat', 'sandal', 'shirt', 'sneaker', 'bag', 'ankle-boot'],
      side: 28,
      preprocessing: { scale: 1 / 255, mean: [0.286, 0.286, 0.286], std: [0.353, 0.353, 0.353], resize: 'shorter-side-centre-crop' },
      epochs: 5,
    },
  };
}

export type SourceImages = Record<SplitName, ImageSet> & { readonly classNames: readonly string[] };

/**
 * Images of a source but for some classes, packed at its size; the container is kept in .cache.
 * @throws Error saying how to get a source that is absent.
 */
export async function sourceImages(
  source: ImageSource,
  exclude: readonly string[],
  { seed, name, onProgress }: { readonly seed: number; readonly name: string; readonly onProgress?: OnProgress },
): Promise<SourceImages> {
  const path = join(cacheFolder, `${name}.dataset`);
  if (!existsSync(path)) {
    if (!existsSync(source.path)) throw new Error(`${source.title} is absent. ${source.missing}`);
    await mkdir(cacheFolder, { recursive: true });
    const { fileName, body } = await uploadOf([source.path]);
    const archive = join(cacheFolder, fileName);
    await pipeline(Readable.fromWeb(body as never), createWriteStream(archive));
    const outputPath = `${path}.partial`;
    await importDataset(archive, { fileName, seed, outputPath, exclude, ...(onProgress && { onProgress }) });
    await rename(outputPath, path);
  }
  const dataset = await openDataset(path);
  const pack = (split: SplitName) => dataset.pack(split, { height: source.side, width: source.side });
  const images = { train: await pack('train'), validation: await pack('validation'), test: await pack('test') };
  await dataset.close();
  return { ...images, classNames: dataset.classNames.map((label) => source.names?.[Number(label)] ?? label) };
}
