import { join } from 'node:path';
import { importDataset as importArchive, openDataset, type Dataset } from '../../formats/datasets/index.ts';
import { decodeImage, encodePng } from '../../formats/images.ts';
import { splitName } from '../../schema/common.ts';
import type { SampleSheet } from '../../schema/datasets.ts';
import type { JobHandler } from '../types.ts';

const SHEET_IMAGES_MAX = 2000;
const SAMPLES_A_CLASS_MAX = 20;
/** A smaller file is its own thumbnail. */
const THUMBNAIL_BYTES_MAX = 16_384;
const THUMBNAIL_SIDE = 128;

/** Reads an archive of images into the service's own container, with a sheet of thumbnails. */
export const importDataset: JobHandler<'import-dataset'> = async ({ input, blobs, workDir, progress }) => {
  const outputPath = join(workDir, 'dataset');
  const report = await importArchive(await blobs.localPath(input.blob), {
    fileName: input.fileName,
    seed: input.seed,
    exclude: input.exclude,
    outputPath,
    onProgress: progress,
  });
  const opened = await openDataset(outputPath);
  const sheet = await sampleSheet(opened).finally(() => opened.close());
  return {
    samples: await blobs.write(new TextEncoder().encode(JSON.stringify(sheet))),
    dataset: await blobs.adopt(outputPath),
    report,
  };
};

/** The first images of each split and class (a split is stored in random order), so many that the sheet stays small. */
async function sampleSheet(dataset: Dataset): Promise<SampleSheet> {
  const perClass = Math.floor(SHEET_IMAGES_MAX / (splitName.options.length * dataset.classNames.length));
  const wanted = Math.min(SAMPLES_A_CLASS_MAX, Math.max(1, perClass));
  const sheet: SampleSheet = [];
  for (const split of splitName.options) {
    const taken = new Uint32Array(dataset.classNames.length);
    for (const [position, { label }] of dataset.splits[split].entries()) {
      if (taken[label]++ >= wanted) continue;
      const image = await dataset.image(split, position);
      const small = image.bytes.length <= THUMBNAIL_BYTES_MAX;
      const bytes = small ? image.bytes : await thumbnail(image.bytes, image.name);
      sheet.push({
        split,
        class: dataset.classNames[label],
        mediaType: small ? image.mediaType : 'image/png',
        data: Buffer.from(bytes).toString('base64'),
      });
    }
  }
  return sheet;
}

async function thumbnail(bytes: Uint8Array, name: string): Promise<Uint8Array> {
  const size = { height: THUMBNAIL_SIDE, width: THUMBNAIL_SIDE };
  return encodePng({ ...size, channels: 3, pixels: await decodeImage(bytes, size, name) });
}
