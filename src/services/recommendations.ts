import { desc, eq } from 'drizzle-orm';
import { Failure } from '../core/failure.ts';
import { recommendationOf } from '../jobs/recommendation/document.ts';
import { needsFit, openEntries } from '../jobs/recommendation/entries.ts';
import { filtered } from '../jobs/recommendation/filter.ts';
import { cutOf, isObserved, type Known, rankKnown } from '../jobs/recommendation/rank.ts';
import type { JobInput, RecommendedModel } from '../jobs/types.ts';
import { candidatesMax, type Recommendation, type RecommendationResult, type RecommendRequest } from '../schema/recommendations.ts';
import type { Tables } from '../store/store.ts';
import { newId } from '../store/ids.ts';
import { models, outcomes, recommendations } from '../store/tables.ts';
import type { Context, Outcome } from './context.ts';
import { modelSourceKey, recommendationKey } from './keys.ts';
import { enqueueOnce } from './once.ts';
import { datasetRef, modelRef, weightFigures } from './references.ts';

type Input = JobInput<'recommend'>;

/** Candidates whose ranking is made while the caller waits, when all is known of them: a bootstrap of eight takes some 20 ms. */
const RANKED_AT_ONCE_MAX = 32;
/** Fewer epochs say little of what a fine-tuning comes to. */
const PRIOR_EPOCHS_MIN = 5;
/** Latest results that are learned from. */
const PRIOR_MAX = 2000;

const view = ({ id, datasetId, result, createdAt }: typeof recommendations.$inferSelect): Recommendation => ({
  id,
  dataset: datasetId,
  createdAt,
  ...result,
});

/**
 * The ranking where the same was asked before, or where all that it takes is known; else the job that makes it.
 * Fails with `not-found`, `limit-exceeded` and `target-unreachable`.
 */
export async function recommend(context: Context, asked: RecommendRequest): Promise<Outcome<Recommendation>> {
  const { store } = context;
  const input = resolved(context, asked);
  const same = eq(recommendations.requestHash, recommendationKey(input));
  const known = store.db.select().from(recommendations).where(same).orderBy(desc(recommendations.id)).get();
  if (known) return { value: view(known) };
  const result = await fromWhatIsKnown(context, input);
  if (result === undefined) return { job: enqueueOnce(context, 'recommend', input, recommendationKey) };
  const row = {
    id: newId('rec'),
    datasetId: input.dataset.id,
    requestHash: recommendationKey(input),
    result,
    createdAt: new Date().toISOString(),
  };
  store.db.insert(recommendations).values(row).run();
  return { value: view(row) };
}

/** The request with every reference resolved; the order in which candidates are named changes nothing. */
function resolved({ store, zoo }: Context, asked: RecommendRequest): Input {
  const { db } = store;
  const dataset = datasetRef(db, asked.dataset, 'dataset');
  const candidates = new Map<string, Input['candidates'][number]>();
  for (const [at, name] of asked.candidates.entries()) {
    const field = `candidates.${at}`;
    const found = name.startsWith('zoo:') ? starters(db, zoo, name.slice('zoo:'.length), field) : [candidateOf(db, name, field)];
    for (const one of found) candidates.set('zoo' in one ? `zoo:${one.zoo}` : one.model.id, one);
  }
  if (candidates.size > candidatesMax) {
    throw new Failure(
      'limit-exceeded',
      `These are ${candidates.size} candidates, more than the ${candidatesMax} that one request may rank.`,
      {
        hint: 'Name fewer candidates.',
        field: 'candidates',
      },
    );
  }
  const ids = [...candidates.keys()].toSorted();
  return {
    request: { ...asked, candidates: ids, scores: asked.scores?.toSorted() },
    dataset,
    candidates: ids.flatMap((id) => candidates.get(id) ?? []),
    outcomes: asked.usePrior ? past(db) : [],
  };
}

function candidateOf(db: Tables, id: string, field: string): RecommendedModel {
  return { model: modelRef(db, id, field), weights: weightFigures(db, id) };
}

/** Starter backbones by name or `*`: as models where they are here, else to be imported. */
function starters(db: Tables, zoo: Context['zoo'], name: string, field: string): Input['candidates'] {
  const names = [...zoo.keys()];
  if (name !== '*' && !zoo.has(name)) {
    throw new Failure('not-found', `The zoo has no backbone "${name}".`, { hint: `It has ${names.join(', ') || 'none'}.`, field });
  }
  return (name === '*' ? names : [name]).map((starter) => {
    const hash = zoo.get(starter) ?? '';
    const source = modelSourceKey({ source: { kind: 'zoo', name: starter, hash } });
    const known = db.select({ id: models.id }).from(models).where(eq(models.source, source)).get();
    return known ? candidateOf(db, known.id, field) : { zoo: starter, hash };
  });
}

/** Results that were verified here, latest first. */
function past(db: Tables): Input['outcomes'] {
  const rows = db.select().from(outcomes).orderBy(desc(outcomes.createdAt)).limit(PRIOR_MAX).all();
  return rows.filter(({ epochs }) => epochs >= PRIOR_EPOCHS_MIN).map(({ outcome }) => outcome);
}

/** The answer where nothing has to be run for it. */
async function fromWhatIsKnown({ store }: Context, input: Input): Promise<RecommendationResult | undefined> {
  const { request, dataset } = input;
  const { seed, constraints } = request;
  const candidates = input.candidates.filter((one): one is RecommendedModel => 'model' in one);
  if (request.verify || candidates.length < input.candidates.length || candidates.length > RANKED_AT_ONCE_MAX) return undefined;
  const { kept, leftOut } = filtered(candidates, request.filters);
  const entries = openEntries(store.cache, dataset);
  const known: Known[] = [];
  for (const { model } of kept) {
    const whole = await entries.read('observed', { model, seed });
    if (whole === undefined) return undefined;
    const limited = isObserved(whole) && needsFit(model, constraints);
    const fit = limited ? await entries.read('fit', { model, seed, limits: constraints }) : null;
    if (fit === undefined) return undefined;
    known.push({ model, whole, fit });
  }
  const ranking = rankKnown(known, input);
  const chosen = known.find(({ model }) => model.id === ranking.chosen);
  const curve = chosen && cutOf(chosen) === null ? await entries.read('curve', { model: chosen.model, seed }) : null;
  return curve === undefined ? undefined : recommendationOf(input, { known, ranking, leftOut, curve, verification: null, estimate: null });
}

/** Fails with `not-found`. */
export function getRecommendation({ store }: Context, id: string): Recommendation {
  const row = store.db.select().from(recommendations).where(eq(recommendations.id, id)).get();
  if (!row) throw new Failure('not-found', `There is no recommendation ${id}.`, { hint: 'POST /recommend makes one.', field: 'id' });
  return view(row);
}
