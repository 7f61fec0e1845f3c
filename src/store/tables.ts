import { type AnySQLiteColumn, index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import type { Outcome } from '../core/transfer/index.ts';
import type { CompareRequest, ComparisonResult } from '../schema/comparisons.ts';
import type { DatasetReport } from '../schema/datasets.ts';
import type { EvaluationResult, Prediction } from '../schema/evaluations.ts';
import type { Job, JobEvent, JobKind, JobState } from '../schema/jobs.ts';
import type { ExportFormat, ModelSummary } from '../schema/models.ts';
import type { ProfileResult } from '../schema/profiles.ts';
import type { PrunePlanView, PruneReport, PruneRequest } from '../schema/prunings.ts';
import type { RecommendationResult } from '../schema/recommendations.ts';

// What is filtered or sorted by has a column of its own; documents are JSON of the schema's types.
// Ids are `prefix_` + ULID, so that ordering by id is ordering by creation. Times are ISO 8601 in UTC.

export const models = sqliteTable(
  'models',
  {
    id: text().primaryKey(),
    name: text().notNull(),
    parentId: text().references((): AnySQLiteColumn => models.id, { onDelete: 'set null' }),
    /** SHA-256 of the stored network (`encodeNetwork`'s bytes). */
    blob: text().notNull(),
    /** SHA-256 of the zip with the model as a tfjs LayersModel. */
    tfjs: text().notNull(),
    /** SHA-256 over topology and weights, whatever file they came in. */
    contentHash: text().notNull(),
    /** What was imported, to answer the same import at once: `zoo:NAME`, or the upload's hash and options. Null for artifacts. */
    source: text(),
    /** What a source that may change turned out to be: the commit of a branch, the SHA-256 of an address's file. */
    version: text(),
    summary: text({ mode: 'json' }).$type<ModelSummary>().notNull(),
    createdAt: text().notNull(),
  },
  (table) => [
    index('models_by_name').on(table.name),
    index('models_by_parent').on(table.parentId),
    index('models_by_content').on(table.contentHash),
    index('models_by_source').on(table.source),
    index('models_by_blob').on(table.blob),
  ],
);

/** Files that models were exported as, by the stored network that they were made from; equal models share them. */
export const exports = sqliteTable(
  'exports',
  {
    /** SHA-256 of the stored network. */
    blob: text().notNull(),
    format: text().$type<ExportFormat>().notNull(),
    /** SHA-256 of the file. */
    file: text().notNull(),
    bytes: integer().notNull(),
    losses: text({ mode: 'json' }).$type<string[]>().notNull(),
    createdAt: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.blob, table.format] }), index('exports_by_file').on(table.file)],
);

export const datasets = sqliteTable(
  'datasets',
  {
    id: text().primaryKey(),
    name: text().notNull(),
    /** SHA-256 of the stored container; also the dataset's content hash. */
    blob: text().notNull(),
    /** SHA-256 of the JSON `SampleSheet`. */
    samples: text().notNull(),
    /** What was imported (the upload's hash and options), to answer the same import at once. */
    source: text(),
    report: text({ mode: 'json' }).$type<DatasetReport>().notNull(),
    createdAt: text().notNull(),
  },
  (table) => [
    index('datasets_by_name').on(table.name),
    index('datasets_by_source').on(table.source),
    index('datasets_by_blob').on(table.blob),
  ],
);

/** A row of a model or dataset goes with it. */
const ofModel = () =>
  text()
    .notNull()
    .references(() => models.id, { onDelete: 'cascade' });
const ofDataset = () =>
  text()
    .notNull()
    .references(() => datasets.id, { onDelete: 'cascade' });

export const profiles = sqliteTable(
  'profiles',
  {
    id: text().primaryKey(),
    modelId: ofModel(),
    datasetId: text().references(() => datasets.id, { onDelete: 'cascade' }),
    source: text().$type<ProfileResult['source']>().notNull(),
    /** SHA-256 of every option that changes the result, the dataset's content included. */
    optionsHash: text().notNull(),
    diversity: real(),
    diversityExcess: real(),
    result: text({ mode: 'json' }).$type<ProfileResult>().notNull(),
    /** SHA-256 of the similarity matrices: the float32 lower triangles of the layers that have a diversity, in their order. */
    matrices: text(),
    createdAt: text().notNull(),
  },
  (table) => [
    uniqueIndex('profiles_by_content').on(table.modelId, table.optionsHash),
    index('profiles_by_dataset').on(table.datasetId),
    index('profiles_by_matrices').on(table.matrices),
  ],
);

export const recommendations = sqliteTable(
  'recommendations',
  {
    id: text().primaryKey(),
    datasetId: ofDataset(),
    /** SHA-256 of everything asked for, references resolved, to answer the same request at once. */
    requestHash: text().notNull(),
    result: text({ mode: 'json' }).$type<RecommendationResult>().notNull(),
    createdAt: text().notNull(),
  },
  (table) => [index('recommendations_by_dataset').on(table.datasetId), index('recommendations_by_request').on(table.requestHash)],
);

/** Fine-tunings that verified a recommendation: what later predictions are calibrated on. They outlive model and dataset. */
export const outcomes = sqliteTable(
  'outcomes',
  {
    /** Content hashes. */
    dataset: text().notNull(),
    model: text().notNull(),
    /** What it was pruned to before; empty where it was not. */
    variant: text().notNull(),
    epochs: integer().notNull(),
    outcome: text({ mode: 'json' }).$type<Outcome>().notNull(),
    createdAt: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.dataset, table.model, table.variant] })],
);

/** A pruning keeps its parent and dataset from being deleted: its report speaks of them. */
export const prunings = sqliteTable(
  'prunings',
  {
    id: text().primaryKey(),
    parentId: text()
      .notNull()
      .references(() => models.id),
    datasetId: text()
      .notNull()
      .references(() => datasets.id),
    /** Null for a plan-only answer, or when the artifact was deleted. */
    artifactId: text().references(() => models.id, { onDelete: 'set null' }),
    /** SHA-256 of everything asked for, references resolved, to answer the same request at once. */
    requestHash: text().notNull(),
    request: text({ mode: 'json' }).$type<PruneRequest>().notNull(),
    plan: text({ mode: 'json' }).$type<PrunePlanView>().notNull(),
    report: text({ mode: 'json' }).$type<PruneReport>(),
    createdAt: text().notNull(),
  },
  (table) => [
    index('prunings_by_parent').on(table.parentId),
    index('prunings_by_artifact').on(table.artifactId),
    index('prunings_by_dataset').on(table.datasetId),
    index('prunings_by_request').on(table.requestHash),
  ],
);

export const comparisons = sqliteTable(
  'comparisons',
  {
    id: text().primaryKey(),
    modelId: ofModel(),
    datasetId: ofDataset(),
    /** SHA-256 of everything asked for, references resolved, to answer the same request at once. */
    requestHash: text().notNull(),
    request: text({ mode: 'json' }).$type<CompareRequest>().notNull(),
    result: text({ mode: 'json' }).$type<ComparisonResult>().notNull(),
    createdAt: text().notNull(),
  },
  (table) => [
    index('comparisons_by_model').on(table.modelId),
    index('comparisons_by_dataset').on(table.datasetId),
    index('comparisons_by_request').on(table.requestHash),
  ],
);

export const evaluations = sqliteTable(
  'evaluations',
  {
    id: text().primaryKey(),
    modelId: ofModel(),
    datasetId: ofDataset(),
    /** SHA-256 of everything asked for, references resolved, to answer the same request at once. */
    requestHash: text().notNull(),
    result: text({ mode: 'json' }).$type<EvaluationResult>().notNull(),
    createdAt: text().notNull(),
  },
  (table) => [
    index('evaluations_by_model').on(table.modelId),
    index('evaluations_by_dataset').on(table.datasetId),
    index('evaluations_by_request').on(table.requestHash),
  ],
);

export const jobs = sqliteTable(
  'jobs',
  {
    id: text().primaryKey(),
    kind: text().$type<JobKind>().notNull(),
    state: text().$type<JobState>().notNull(),
    /** How often it was leased; a writer of an older attempt is refused. */
    attempt: integer().notNull(),
    /** How often its process died without an answer; a stop of the server is not counted. */
    crashes: integer().notNull(),
    input: text({ mode: 'json' }).$type<unknown>().notNull(),
    progress: text({ mode: 'json' }).$type<Job['progress']>(),
    links: text({ mode: 'json' }).$type<Job['result']>(),
    error: text({ mode: 'json' }).$type<Job['error']>(),
    /** Number of the last event; never reused, though old progress events are thinned out. */
    lastSeq: integer().notNull(),
    /** Unix time in milliseconds at which the lease lapses; null when nobody holds the job. */
    leaseUntil: integer(),
    createdAt: text().notNull(),
    startedAt: text(),
    finishedAt: text(),
  },
  (table) => [index('jobs_by_state').on(table.state, table.id)],
);

export const jobEvents = sqliteTable(
  'job_events',
  {
    jobId: text()
      .notNull()
      .references(() => jobs.id, { onDelete: 'cascade' }),
    seq: integer().notNull(),
    type: text().$type<JobEvent['type']>().notNull(),
    attempt: integer().notNull(),
    data: text({ mode: 'json' }).$type<JobEvent['data']>().notNull(),
    at: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.seq] })],
);

/** The blobs that an unfinished job reads or has written; they are kept until it ends. */
export const jobBlobs = sqliteTable(
  'job_blobs',
  {
    jobId: text()
      .notNull()
      .references(() => jobs.id, { onDelete: 'cascade' }),
    hash: text().notNull(),
    /** Unix time in milliseconds. */
    claimedAt: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.hash] }), index('job_blobs_by_hash').on(table.hash)],
);

/** The answer of a predict job. */
export const predictions = sqliteTable('predictions', {
  jobId: text()
    .primaryKey()
    .references(() => jobs.id, { onDelete: 'cascade' }),
  result: text({ mode: 'json' }).$type<Prediction>().notNull(),
});

/** One answered (or just being answered) POST per key and route. */
export const idempotencyKeys = sqliteTable(
  'idempotency_keys',
  {
    key: text().notNull(),
    route: text().notNull(),
    bodyHash: text().notNull(),
    /** HTTP status of the stored answer; null while the first request is still being answered. */
    status: integer(),
    answer: text({ mode: 'json' }).$type<{ headers: Record<string, string>; body: unknown }>(),
    createdAt: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.route, table.key] })],
);
