import { eq, lte } from 'drizzle-orm';
import type { Settle } from '../jobs/queue.ts';
import type { ImportedModel, JobInput, JobResult, StoredProfile } from '../jobs/types.ts';
import type { JobKind } from '../schema/jobs.ts';
import { contentPath } from '../schema/models.ts';
import { nameOfFile } from '../core/name-of-file.ts';
import { newId } from '../store/ids.ts';
import type { Transaction } from '../store/store.ts';
import {
  comparisons,
  datasets,
  evaluations,
  exports,
  models,
  outcomes,
  predictions,
  profiles,
  prunings,
  recommendations,
} from '../store/tables.ts';
import { datasetSourceKey, hashOf, modelSourceKey, profileOptionsHash, recommendationKey, weightProfileHash } from './keys.ts';

interface Finished<K extends JobKind> {
  readonly id: string;
  readonly kind: K;
  readonly input: JobInput<K>;
}
type Settler<K extends JobKind> = (tx: Transaction, job: Finished<K>, result: JobResult<K>) => Record<string, string>;

const now = (): string => new Date().toISOString();

const insertProfile = (
  tx: Transaction,
  of: { modelId: string; datasetId: string | null; optionsHash: string },
  { profile: result, matrices }: StoredProfile,
): string => {
  const { source, diversity, diversityExcess } = result;
  return (
    tx
      .insert(profiles)
      .values({ id: newId('prf'), ...of, source, diversity, diversityExcess, result, matrices, createdAt: now() })
      // Two requests for one profile may have been queued; the second result is the first one again.
      .onConflictDoUpdate({ target: [profiles.modelId, profiles.optionsHash], set: { source } })
      .returning({ id: profiles.id })
      .get().id
  );
};

const insertModel = (
  tx: Transaction,
  made: ImportedModel,
  origin: { source: string | null; version?: string; parentId: string | null },
): string => {
  const id = newId('mdl');
  const { network, tfjs, contentHash, summary } = made;
  tx.insert(models)
    .values({ id, name: summary.name, blob: network.hash, tfjs: tfjs.hash, contentHash, summary, createdAt: now(), ...origin })
    .run();
  insertProfile(tx, { modelId: id, datasetId: null, optionsHash: weightProfileHash }, made);
  return id;
};

/** The model of a source: a branch may not have moved since it was imported, and a starter backbone may have come by another job. */
function importedId(tx: Transaction, source: string, made: ImportedModel, version?: string): string {
  const known = tx.select({ id: models.id }).from(models).where(eq(models.source, source)).get();
  return known?.id ?? insertModel(tx, made, { source, version, parentId: null });
}

/** The row of a pruning, or of a plan alone. */
export function insertPruning(
  tx: Transaction,
  { request, model, dataset }: JobInput<'prune'>,
  made: Pick<typeof prunings.$inferInsert, 'plan' | 'report' | 'artifactId'>,
): typeof prunings.$inferSelect {
  const of = { parentId: model.id, datasetId: dataset.id, request, requestHash: hashOf(request) };
  return tx
    .insert(prunings)
    .values({ id: newId('prn'), ...of, ...made, createdAt: now() })
    .returning()
    .get();
}

const settlers: { readonly [K in JobKind]: Settler<K> } = {
  'import-model': (tx, { input }, result) => {
    const id = 'model' in result ? result.model : importedId(tx, modelSourceKey(input, result.version), result, result.version);
    return { model: `/models/${id}` };
  },

  'export-model': (tx, { input: { model, format } }, { file, losses }) => {
    tx.insert(exports)
      .values({ blob: model.blob, format, file: file.hash, bytes: file.bytes, losses, createdAt: now() })
      // The same network may be two models.
      .onConflictDoNothing()
      .run();
    return { content: contentPath(model.id, format), exports: `/models/${model.id}/exports` };
  },

  'import-dataset': (tx, { input }, { dataset, samples, report }) => {
    const source = datasetSourceKey(input);
    const known = tx.select({ id: datasets.id }).from(datasets).where(eq(datasets.source, source)).get();
    if (known) return { dataset: `/datasets/${known.id}` };
    const id = newId('dst');
    const name = input.name ?? nameOfFile(input.fileName);
    tx.insert(datasets).values({ id, name, blob: dataset.hash, samples: samples.hash, source, report, createdAt: now() }).run();
    return { dataset: `/datasets/${id}` };
  },

  profile: (tx, { input: { request, model, dataset } }, result) => {
    const of = { modelId: model.id, datasetId: dataset?.id ?? null, optionsHash: profileOptionsHash(request) };
    return { profile: `/profiles/${insertProfile(tx, of, result)}` };
  },

  recommend: (tx, { input }, { recommendation, imported, verified }) => {
    const registered = new Map(
      imported.map(({ name, hash, model }) => [
        `zoo:${name}`,
        importedId(tx, modelSourceKey({ source: { kind: 'zoo', name, hash } }), model),
      ]),
    );
    const settled = <T>(value: T): T => JSON.parse(JSON.stringify(value, (_, part) => registered.get(part) ?? part));
    const candidates = input.request.candidates.map((one) => registered.get(one) ?? one).toSorted();
    const requestHash = recommendationKey({ ...input, request: { ...input.request, candidates } });
    for (const one of verified) {
      const { epochs, outcome } = one;
      const set = { epochs, outcome, createdAt: now() };
      tx.insert(outcomes)
        .values({ ...one, ...set })
        .onConflictDoUpdate({ target: [outcomes.dataset, outcomes.model, outcomes.variant], set, setWhere: lte(outcomes.epochs, epochs) })
        .run();
    }
    const id = newId('rec');
    tx.insert(recommendations)
      .values({ id, datasetId: input.dataset.id, requestHash, result: settled(recommendation), createdAt: now() })
      .run();
    return { recommendation: `/recommendations/${id}` };
  },

  prune: (tx, { input: { request, model, dataset } }, { plan, artifact, report }) => {
    const artifactId = artifact && insertModel(tx, artifact, { source: null, parentId: model.id });
    const { id } = insertPruning(tx, { request, model, dataset }, { plan, artifactId, report });
    const links = { pruning: `/prunings/${id}`, parent: `/models/${model.id}` };
    return artifactId ? { ...links, artifact: `/models/${artifactId}` } : links;
  },

  compare: (tx, { input: { request, model, dataset } }, result) => {
    const id = newId('cmp');
    const of = { modelId: model.id, datasetId: dataset.id, request, requestHash: hashOf(request) };
    tx.insert(comparisons)
      .values({ id, ...of, result, createdAt: now() })
      .run();
    return { comparison: `/comparisons/${id}`, model: `/models/${model.id}` };
  },

  evaluate: (tx, { input: { request, model, dataset } }, result) => {
    const id = newId('evl');
    const of = { modelId: model.id, datasetId: dataset.id, requestHash: hashOf(request) };
    tx.insert(evaluations)
      .values({ id, ...of, result, createdAt: now() })
      .run();
    return { evaluation: `/evaluations/${id}` };
  },

  predict: (tx, { id }, result) => {
    tx.insert(predictions).values({ jobId: id, result }).run();
    return { prediction: `/predictions/${id}` };
  },
};

/** Writes what a finished job made and returns links to it by name; runs in the transaction that marks the job succeeded. */
export const settle: Settle = (tx, job, result) => settlers[job.kind](tx, job, result);
