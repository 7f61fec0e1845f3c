import { z } from '@hono/zod-openapi';
import { datasetId, pageOf, splitName, time } from './common.ts';

const counts = z.object({ train: z.int(), validation: z.int(), test: z.int() });

export const datasetReport = z.object({
  classes: z.array(counts.extend({ name: z.string() })),
  counts,
  /** Pixels, over all images. */
  size: z
    .object({ minimum: z.tuple([z.int(), z.int()]), median: z.tuple([z.int(), z.int()]), maximum: z.tuple([z.int(), z.int()]) })
    .describe('[height, width]'),
  channels: z.enum(['grey', 'rgb', 'mixed']),
  splitsGiven: z.boolean().describe('False when the seeded stratified split was made here.'),
  duplicates: z.int().describe('Images found in two splits; kept in train only.'),
  refused: z.object({ count: z.int(), files: z.array(z.object({ name: z.string(), reason: z.string() })) }),
  seed: z.int(),
});
export type DatasetReport = z.infer<typeof datasetReport>;

export const dataset = z
  .object({ id: datasetId, name: z.string(), contentHash: z.string(), report: datasetReport, createdAt: time })
  .openapi('Dataset');
export type Dataset = z.infer<typeof dataset>;

export const datasetPage = pageOf(dataset).openapi('DatasetPage');

/** Query of `POST /datasets`; the body is the archive (zip, tar, tar.gz of image folders or of an IDX pair). */
export const datasetUploadQuery = z.object({
  fileName: z.string().min(1).max(255).default('dataset'),
  name: z.string().min(1).max(120).optional(),
  exclude: z.string().optional().describe('Comma-separated classes to leave out.'),
  seed: z.coerce
    .number()
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(0),
});

export const samplesQuery = z.object({
  split: splitName.default('train'),
  class: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

export const sample = z.object({ split: splitName, class: z.string(), mediaType: z.string(), data: z.base64() });

/**
 * Made once when a dataset is imported: for each split and class the first images of the split, as thumbnails of at most 128 pixels a side,
 * so many a class that a sheet stays within 2,000 images (at least 1, at most 20 a split and class).
 */
export const sampleSheet = z.array(sample);
export type SampleSheet = z.infer<typeof sampleSheet>;

export const samples = z.object({ items: z.array(sample) }).openapi('DatasetSamples');
export type Samples = z.infer<typeof samples>;
