import type { Config } from '../config.ts';
import type { OnProgress } from '../core/progress.ts';
import type { Outcome } from '../core/transfer/index.ts';
import type { Checkpoints, Engine } from '../engine/types.ts';
import type { CompareRequest, ComparisonResult } from '../schema/comparisons.ts';
import type { DatasetReport } from '../schema/datasets.ts';
import type { EvaluateRequest, EvaluationResult, Prediction } from '../schema/evaluations.ts';
import type { JobKind } from '../schema/jobs.ts';
import type { ExportFormat, ModelSummary } from '../schema/models.ts';
import type { ProfileRequest, ProfileResult } from '../schema/profiles.ts';
import type { PrunePlanView, PruneReport, PruneRequest } from '../schema/prunings.ts';
import type { RecommendationResult, RecommendRequest } from '../schema/recommendations.ts';
import type { BlobRef, Blobs } from '../store/blobs.ts';
import type { Cache } from '../store/cache.ts';

export type { BlobRef, Blobs, Cache };

/** A registered model as jobs need it; the blob holds `encodeNetwork`'s bytes. */
export interface ModelRef {
  readonly id: string;
  readonly name: string;
  readonly blob: string;
  readonly contentHash: string;
  readonly summary: ModelSummary;
}

/** A registered dataset; the blob holds the container of formats/datasets. */
export interface DatasetRef {
  readonly id: string;
  readonly name: string;
  readonly blob: string;
  readonly report: DatasetReport;
}

/** A profile and the blob (its hash) with the matrices behind it: `packTriangle` in float32 of each layer that has a diversity. */
export interface StoredProfile {
  readonly profile: ProfileResult;
  readonly matrices: string;
}

/** Its weight profile is made unasked so that `/diversity` is never empty. */
export interface ImportedModel extends StoredProfile {
  readonly network: BlobRef;
  /** The zip that `GET /models/{id}/content?format=tfjs` sends: a LayersModel for plain `tf.loadLayersModel`. */
  readonly tfjs: BlobRef;
  readonly contentHash: string;
  readonly summary: ModelSummary;
}

/** Formats that a job makes; tfjs is written when a model is registered. */
export type MadeFormat = Exclude<ExportFormat, 'tfjs'>;

/** Where an import takes its model from; `hash` is the zoo's content hash of the backbone, null for one that it does not have. */
export type ImportSource =
  | { kind: 'upload'; blob: string; fileName: string; architecture?: string }
  | { kind: 'zoo'; name: string; hash: string | null }
  | { kind: 'hub'; repository: string; file?: string; revision: string; architecture?: string }
  | { kind: 'url'; url: string; architecture?: string };

/** A candidate of a recommendation with what is known of its weights. */
export interface RecommendedModel {
  readonly model: ModelRef;
  readonly weights: Pick<ProfileResult, 'diversity' | 'diversityExcess' | 'redundantShare'> | null;
}

/** A fine-tuning that a recommendation ran to its end: what was known before, and what came out. */
export interface VerifiedOutcome {
  /** Content hashes. */
  readonly dataset: string;
  readonly model: string;
  /** What it was pruned to before; empty where it was not. */
  readonly variant: string;
  readonly epochs: number;
  readonly outcome: Outcome;
}

/** Input and result of each kind of job; both are plain JSON, stored with the job. References are resolved by the service that queues it. */
export interface JobTypes {
  'import-model': {
    /** `known` are the models that this import has made of earlier versions. */
    input: { source: ImportSource; name?: string; known?: { version: string; model: string }[] };
    /**
     * `version` is what a source that may change turned out to be: the commit of a branch, the SHA-256 of an address's file. Where it
     * has not changed, only the model that it is.
     */
    result: (ImportedModel & { version?: string }) | { model: string };
  };
  'export-model': {
    input: { model: ModelRef; format: MadeFormat };
    /** `losses` says what the format could not hold. */
    result: { file: BlobRef; losses: string[] };
  };
  'import-dataset': {
    input: { blob: string; fileName: string; name?: string; exclude: string[]; seed: number };
    /**
     * `samples` holds the JSON of a `SampleSheet`: thumbnails made here, because the sheet is then a plain read for `/datasets/{id}/samples`
     * and no untrusted image is decoded outside the child.
     */
    result: { dataset: BlobRef; samples: BlobRef; report: DatasetReport };
  };
  profile: {
    input: { request: ProfileRequest; model: ModelRef; dataset: DatasetRef | null };
    result: StoredProfile;
  };
  recommend: {
    input: {
      request: RecommendRequest;
      dataset: DatasetRef;
      /** Starter backbones that are not here yet are imported by the job. */
      candidates: (RecommendedModel | { zoo: string; hash: string })[];
      /** Past results to calibrate the prediction on. */
      outcomes: Outcome[];
    };
    /** Where the recommendation names an imported model, it does so as `zoo:NAME`. */
    result: {
      recommendation: RecommendationResult;
      imported: { name: string; hash: string; model: ImportedModel }[];
      verified: VerifiedOutcome[];
    };
  };
  prune: {
    input: { request: PruneRequest; model: ModelRef; dataset: DatasetRef };
    /** `artifact` and `report` are null for planOnly. */
    result: { plan: PrunePlanView; artifact: ImportedModel | null; report: PruneReport | null };
  };
  compare: {
    input: { request: CompareRequest; model: ModelRef; dataset: DatasetRef };
    result: ComparisonResult;
  };
  evaluate: {
    input: { request: EvaluateRequest; model: ModelRef; dataset: DatasetRef };
    result: EvaluationResult;
  };
  predict: {
    input: { model: ModelRef; images: { blob: string; file: string }[]; top: number };
    result: Prediction;
  };
}

/** Every kind of the schema has its types here, and the other way round. */
export type JobInput<K extends JobKind> = JobTypes[K]['input'];
export type JobResult<K extends JobKind> = JobTypes[K]['result'];

export interface JobContext<K extends JobKind> {
  readonly input: JobInput<K>;
  readonly blobs: Blobs;
  /** Of what takes long to make from a blob and can be made again: packed images, features. */
  readonly cache: Cache;
  /** Survives a crash of the child; removed when the job is settled. */
  readonly workDir: string;
  /** A named checkpoint file in the work directory, replaced atomically. */
  checkpoints(name: string): Checkpoints;
  /** Opens the engine on first use; handlers that need none start faster. */
  engine(): Promise<Engine>;
  readonly progress: OnProgress;
  /** A line for the job's history: what was decided or found. */
  log(message: string, data?: Record<string, unknown>): void;
  readonly signal: AbortSignal;
  /** Where the starter backbones are. */
  readonly zooDir: string;
  /** Where models may be fetched from, and as whom. */
  readonly hub: Config['hub'];
}

export type JobHandler<K extends JobKind> = (context: JobContext<K>) => Promise<JobResult<K>>;
export type JobHandlers = { readonly [K in JobKind]: JobHandler<K> };
