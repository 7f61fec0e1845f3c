import { z } from '@hono/zod-openapi';
import { failureCodes } from '../core/failure.ts';

export const failureCode = z.enum(failureCodes).openapi('FailureCode');

/** An opaque prefixed id: `mdl_…`, `dst_…`, `prf_…`, `rec_…`, `prn_…`, `cmp_…`, `evl_…`, `job_…`. */
export const idOf = <P extends string>(prefix: P) =>
  z
    .string()
    .regex(new RegExp(`^${prefix}_[0-9A-Z]{26}$`), `is not an id of the form ${prefix}_…`)
    .openapi({ example: `${prefix}_01K7Q2Y3ZC8W5N4M6J1T0RVXAB` });

export const modelId = idOf('mdl');
export const datasetId = idOf('dst');
export const jobId = idOf('job');

export const time = z.iso.datetime().openapi({ example: '2026-11-24T12:00:00.000Z' });
export const seed = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)
  .default(0)
  .describe('Same seed, same content, same engine: same answer.');
export const splitName = z.enum(['train', 'validation', 'test']);
export type SplitName = z.infer<typeof splitName>;

/** A figure with its two-sided 95 % interval. */
export const estimate = z.object({ value: z.number(), low: z.number(), high: z.number() }).openapi('Estimate');
export type Estimate = z.infer<typeof estimate>;

/** The engine that made a result. */
export const engineStamp = z
  .object({ backend: z.enum(['tensorflow', 'wasm', 'cpu']), version: z.string(), threads: z.int(), device: z.string() })
  .openapi('EngineStamp');
export type EngineStamp = z.infer<typeof engineStamp>;

/** The engine that jobs will run on, and why it is this one. */
export const engineReport = engineStamp
  .extend({ reason: z.string(), imagesPerSecond: z.number().describe('Of a small fixed network, measured once.') })
  .openapi('EngineReport');
export type EngineReport = z.infer<typeof engineReport>;

/** RFC 9457 problem details, with a machine-readable code and the field, file or layer at fault. */
export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: failureCode,
    detail: z.string(),
    hint: z.string().optional(),
    field: z.string().optional(),
    requestId: z.string().optional(),
  })
  .openapi('Problem');
export type Problem = z.infer<typeof problem>;

export const pageQuery = z.object({
  after: z.string().optional().describe('The `next` of the page before.'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type PageQuery = z.infer<typeof pageQuery>;

export const pageOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), next: z.string().nullable() });

/** Cost of one network at its input size. FLOPs = 2 × MACs of convolutions and dense layers (METHOD.md §6). */
export const cost = z
  .object({ macs: z.number(), flops: z.number(), params: z.number(), bytes: z.number().describe('float32 weights') })
  .openapi('Cost');
export type Cost = z.infer<typeof cost>;
