import { listZoo, readZoo, readZooQuantiles } from '../../../formats/zoo.ts';
import type { ImportedModel, JobContext, ModelRef, RecommendedModel } from '../../types.ts';
import { registerable } from '../models.ts';
import type { Source } from './observe.ts';

export interface Candidates {
  readonly candidates: readonly RecommendedModel[];
  /** Starter backbones that were not here yet; as candidates their id is `zoo:NAME` until they are registered. */
  readonly imported: readonly { readonly name: string; readonly hash: string; readonly model: ImportedModel }[];
}

/** The candidates, with the starter backbones among them imported. */
export async function importCandidates({ input, blobs, cache, zooDir, progress }: JobContext<'recommend'>): Promise<Candidates> {
  const imported: { name: string; hash: string; model: ImportedModel }[] = [];
  const candidates: RecommendedModel[] = [];
  for (const [at, candidate] of input.candidates.entries()) {
    if ('model' in candidate) {
      candidates.push(candidate);
      continue;
    }
    const { zoo: name, hash } = candidate;
    progress({ phase: `import zoo:${name}`, done: at, total: input.candidates.length });
    const { network, card } = await readZoo(zooDir, name);
    const model = await registerable({ blobs, cache }, network, {
      format: 'zoo',
      sourceAccuracy: card.accuracy.value,
      licence: card.licence,
    });
    imported.push({ name, hash, model });
    const { network: blob, contentHash, summary, profile } = model;
    candidates.push({ model: { id: `zoo:${name}`, name: summary.name, blob: blob.hash, contentHash, summary }, weights: profile });
  }
  return { candidates, imported };
}

/** What is known of the sources of starter backbones, by the content of the model. */
export async function openSources(zooDir: string): Promise<(model: ModelRef) => Promise<Omit<Source, 'weights'>>> {
  const cards = new Map((await listZoo(zooDir)).map((card) => [card.hash, card]));
  return async ({ contentHash, summary: { sourceAccuracy } }) => {
    const card = cards.get(contentHash);
    if (card) return { accuracy: card.accuracy, quantiles: await readZooQuantiles(zooDir, card.name) };
    const accuracy = sourceAccuracy === null ? undefined : { value: sourceAccuracy, low: sourceAccuracy, high: sourceAccuracy };
    return { accuracy, quantiles: undefined };
  };
}
