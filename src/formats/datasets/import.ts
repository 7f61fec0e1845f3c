import { rm } from 'node:fs/promises';
import { Failure } from '../../core/failure.ts';
import type { OnProgress } from '../../core/progress.ts';
import { limits } from '../../limits.ts';
import { openArchive } from '../archive.ts';
import { inspectImage, type ImageFacts } from '../images.ts';
import { createContainer, type ContainerWriter, type DatasetIndex, type DatasetReport } from './container.ts';
import { parseIdx, type IdxFile } from './idx.ts';
import { isClutter } from './layout.ts';
import { labelFolders, labelIdx, type LabelledImage, type RefusedFile, type StoredIdx, type StoredImage } from './label.ts';
import { buildReport } from './report.ts';
import { settleSplits } from './splits.ts';

export interface ImportOptions {
  /** What the user calls the archive; for messages. */
  readonly fileName: string;
  /** Decides the splits that the archive lacks, and the order within each. */
  readonly seed: number;
  /** The container file to make; nothing is left there on failure. */
  readonly outputPath: string;
  /** Classes to leave out. */
  readonly exclude?: readonly string[];
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** Images are inspected in batches of so many files or bytes, whichever is reached first: enough to keep all cores busy, little to hold. */
const BATCH_FILES = 64;
const BATCH_BYTES = 64 * 1024 * 1024;

/**
 * Makes a dataset's container from a zip, tar or tar.gz of image folders (`SPLIT/CLASS/file` or `CLASS/file`) or of IDX pairs.
 * Every image is decoded once to see that it can be; those that cannot are left out and named in the report. Memory stays at one
 * batch of images (for IDX one file) however large the archive.
 *
 * @throws Failure `unusable-dataset` when no dataset can be made of it; what {@link openArchive} throws; `limit-exceeded`; `cancelled`
 */
export async function importDataset(path: string, options: ImportOptions): Promise<DatasetReport> {
  const container = await createContainer(options.outputPath);
  try {
    const index = await fill(container, path, options);
    await container.finish(index);
    return index.report;
  } catch (error) {
    await container.abandon();
    await rm(options.outputPath, { force: true });
    throw error;
  }
}

async function fill(container: ContainerWriter, path: string, options: ImportOptions): Promise<DatasetIndex> {
  const { fileName, seed } = options;
  const found = await readFiles(container, path, options);
  const labelled = found.idx.length > 0 ? labelIdx(found.idx, found.images, fileName) : labelFolders(found.images, found.refused, fileName);
  const refused = [...found.refused, ...labelled.refused];
  const classNames = chooseClasses(labelled.images, options);
  const labels = new Map(classNames.map((name, label) => [name, label]));
  const candidates = labelled.images.flatMap((image) => {
    const label = labels.get(image.className);
    return label === undefined ? [] : [{ ...image, label }];
  });
  const settled = settleSplits(candidates, seed);
  return {
    report: buildReport({ fileName, classNames, refused, seed, ...settled }),
    raw: labelled.raw,
    splits: {
      train: settled.splits.train.map(entryOf),
      validation: settled.splits.validation.map(entryOf),
      test: settled.splits.test.map(entryOf),
    },
  };
}

const entryOf = ({ name, offset, bytes, label }: LabelledImage & { label: number }) => ({ name, offset, bytes, label });

/** Copies every image of the archive into the container, in the archive's order. */
async function readFiles(container: ContainerWriter, path: string, { fileName, onProgress, signal }: ImportOptions) {
  const images: StoredImage[] = [];
  const idx: StoredIdx[] = [];
  const refused: RefusedFile[] = [];
  const names = new Set<string>();
  const total = await countFiles(path, fileName);
  const started = performance.now();
  let batch: { name: string; bytes: Uint8Array }[] = [];

  const flush = async (): Promise<void> => {
    const inspected = await Promise.all(batch.map(inspect));
    for (const { name, bytes, facts, refusal } of inspected) {
      if (facts) images.push({ name, offset: await container.append(bytes), bytes: bytes.length, ...facts });
      else refused.push({ name, reason: refusal });
    }
    batch = [];
    const done = images.length + refused.length + idx.length;
    const perSecond = done / ((performance.now() - started) / 1000);
    onProgress?.({ phase: `read ${fileName}`, done, total, imagesPerSecond: perSecond, secondsLeft: (total - done) / perSecond });
    if (signal?.aborted) throw new Failure('cancelled', `The import of ${fileName} was cancelled.`);
  };

  for await (const entry of openArchive(path, fileName)) {
    const { name } = entry;
    if (isClutter(name)) continue;
    if (names.has(name)) {
      refused.push({ name, reason: 'is in the archive a second time' });
      continue;
    }
    names.add(name);
    if (entry.bytes > limits.idxBytesMax) {
      refused.push({ name, reason: `is larger than ${limits.idxBytesMax} bytes` });
      continue;
    }
    const bytes = await entry.read();
    const file = parseIdx(bytes, name);
    if (file) idx.push(await storeIdx(container, file, name));
    else if (bytes.length > limits.imageBytesMax) refused.push({ name, reason: `is larger than ${limits.imageBytesMax} bytes` });
    else batch.push({ name, bytes });
    if (batch.length >= BATCH_FILES || batch.reduce((sum, file) => sum + file.bytes.length, 0) >= BATCH_BYTES) await flush();
  }
  await flush();
  return { images, idx, refused };
}

async function countFiles(path: string, fileName: string): Promise<number> {
  let files = 0;
  for await (const { name } of openArchive(path, fileName)) if (!isClutter(name)) files++;
  return files;
}

type Inspected = { name: string; bytes: Uint8Array } & (
  | { facts: ImageFacts; refusal?: undefined }
  | { facts?: undefined; refusal: string }
);

async function inspect({ name, bytes }: { name: string; bytes: Uint8Array }): Promise<Inspected> {
  try {
    return { name, bytes, facts: await inspectImage(bytes, name) };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // The name stands beside the reason wherever it is shown.
    return { name, bytes, refusal: error.message.replace(`${name} `, '').replace(/\.$/, '') };
  }
}

async function storeIdx(container: ContainerWriter, file: IdxFile, name: string): Promise<StoredIdx> {
  return file.shape.length === 3
    ? { kind: 'images', name, split: file.split, shape: file.shape, offset: await container.append(file.values), pixels: file.values }
    : { kind: 'labels', name, split: file.split, labels: file.values };
}

/** The classes in label order: whole numbers by value, else by code point. */
function chooseClasses(images: readonly LabelledImage[], { fileName, exclude = [] }: ImportOptions): string[] {
  const counts = new Map<string, number>();
  for (const { className } of images) counts.set(className, (counts.get(className) ?? 0) + 1);
  for (const name of exclude) {
    if (!counts.delete(name)) {
      throw new Failure('invalid-request', `${fileName} holds no class "${name}" to leave out.`, {
        hint: `Its classes are ${listed([...counts.keys()].sort())}.`,
        field: 'exclude',
      });
    }
  }
  const unusable = (what: string, hint: string): Failure =>
    new Failure('unusable-dataset', `${fileName} ${what}.`, { hint, field: fileName });
  const names = [...counts.keys()];
  if (names.length < 2) {
    throw unusable(
      names.length === 1 ? `holds one class only, "${names[0]}"` : 'holds no class that was not left out',
      'A classifier needs at least 2 classes, each in a folder of its own.',
    );
  }
  if (names.length > limits.datasetClassesMax) {
    throw unusable(
      `holds ${names.length} classes; at most ${limits.datasetClassesMax} are taken`,
      'Leave classes out, or check that folders are classes.',
    );
  }
  for (const name of names) {
    if ((counts.get(name) ?? 0) < 2) {
      throw unusable(
        `holds 1 image in class "${name}"; at least 2 are needed to split it`,
        `Add images, or leave the class out with --exclude ${name}.`,
      );
    }
  }
  const numbers = names.every((name) => /^\d+$/.test(name));
  return numbers ? names.sort((a, b) => Number(a) - Number(b)) : names.sort();
}

/** At most ten names, the rest counted. */
export function listed(names: readonly string[]): string {
  return names.length <= 10 ? names.join(', ') : `${names.slice(0, 10).join(', ')} and ${names.length - 10} more`;
}
