import { Failure } from '../../../core/failure.ts';
import { coreAlgebra } from '../../../core/linear/algebra.ts';
import type { Estimate } from '../../../core/stats/index.ts';
import { knnScore } from '../../../core/transfer/knn.ts';
import { isObserved, type Known, rankKnown } from '../../recommendation/rank.ts';
import type { RecommendedModel } from '../../types.ts';
import { sampled } from './images.ts';
import { know, observing, open, type Study } from './study.ts';

/** Rankings so far that are told on the way: each takes a bootstrap. */
const TOLD_MAX = 16;
/** Candidates of a ranking so far that are told: what a person looks at while it goes on. */
const TOLD_CANDIDATES = 10;
/** Images of the first look where time is limited: intervals are then about six points wide. */
const GLANCE_IMAGES = 300;

/**
 * Finds out about all candidates, telling the best so far as it goes. Where time is limited all of them are looked at on a
 * sample of the images first: those that are surely worse than the best there are not gone on with, the others come in the
 * order of their promise until the time is over.
 */
export async function survey(study: Study, candidates: readonly RecommendedModel[]): Promise<Known[]> {
  const { request } = study.input;
  const begun = performance.now();
  const seconds = (): number => (performance.now() - begun) / 1000;
  const { order, stopped } = request.budget ? await glanceAtAll(study, candidates) : { order: candidates, stopped: [] };
  const known: Known[] = [];
  const step = Math.ceil(order.length / TOLD_MAX);
  for (const [at, candidate] of bySize(order).entries()) {
    if (request.budget && seconds() > request.budget.seconds && known.some(({ whole }) => isObserved(whole))) {
      const failed = `It was not looked at: the budget of ${request.budget.seconds} seconds was spent.`;
      known.push({ model: candidate.model, whole: { failed }, fit: null });
      continue;
    }
    known.push(await know(study, candidate));
    if ((at + 1) % step === 0 && at + 1 < order.length) tell(study, known, candidates.length);
  }
  return [...known, ...stopped];
}

/** Candidates of one input size one after the other: images are held at one size. With a budget the order of promise goes first. */
function bySize(candidates: readonly RecommendedModel[]): RecommendedModel[] {
  const groups = new Map<string, RecommendedModel[]>();
  for (const candidate of candidates) {
    const key = candidate.model.summary.inputShape.join('×');
    const group = groups.get(key);
    if (group) group.push(candidate);
    else groups.set(key, [candidate]);
  }
  return [...groups.values()].flat();
}

/** The best so far, as an event of the job. */
function tell({ input, log }: Study, known: readonly Known[], total: number): void {
  try {
    const { candidates } = rankKnown(known, input);
    const names = new Map(known.map(({ model }) => [model.id, model.name]));
    const ranking = candidates.slice(0, TOLD_CANDIDATES).map(({ id, rank, predictedAccuracy, probabilityBest, excluded }) => ({
      model: id,
      name: names.get(id),
      rank,
      predictedAccuracy,
      probabilityBest,
      excluded,
    }));
    log(`${known.length} of ${total} candidates: best so far ${ranking[0].name}`, { ranking });
  } catch (error) {
    // None of those so far fits the constraints, or none could be scored; the last word is the whole ranking's.
    if (!(error instanceof Failure)) throw error;
  }
}

async function glanceAtAll(
  study: Study,
  candidates: readonly RecommendedModel[],
): Promise<{ order: RecommendedModel[]; stopped: Known[] }> {
  const { request } = study.input;
  const seen: { candidate: RecommendedModel; accuracy: Estimate }[] = [];
  const unseen: RecommendedModel[] = [];
  for (const candidate of bySize(candidates)) {
    const known = await study.entries.read('observed', { model: candidate.model, seed: request.seed });
    const accuracy = known ? undefined : await glance(study, candidate);
    if (accuracy === undefined) unseen.push(candidate);
    else seen.push({ candidate, accuracy });
  }
  const least = Math.max(0, ...seen.map(({ accuracy }) => accuracy.low));
  // Only the order by predicted accuracy can be told from these.
  const canWin = ({ accuracy }: (typeof seen)[number]): boolean => request.rankBy !== 'default' || accuracy.high >= least;
  const percent = (share: number): string => (100 * share).toFixed(1);
  const stopped = seen
    .filter((one) => !canWin(one))
    .map(({ candidate: { model }, accuracy: { value, high } }): Known => {
      const failed = `It was stopped early: its nearest neighbours are right for ${percent(value)} % of a sample of the images, at most ${percent(high)} %, and for another candidate for at least ${percent(least)} %.`;
      return { model, whole: { failed }, fit: null };
    });
  const order = seen.filter(canWin).toSorted((a, b) => b.accuracy.value - a.accuracy.value);
  return { order: [...unseen, ...order.map(({ candidate }) => candidate)], stopped };
}

/** Leave-one-out k-NN accuracy of the features on a sample of the images; undefined where the candidate cannot be looked at. */
async function glance(study: Study, { model }: RecommendedModel): Promise<Estimate | undefined> {
  const classes = study.input.dataset.report.classes.length;
  try {
    const { network, images } = await open(study, model);
    const few = sampled(images.scored, GLANCE_IMAGES / images.scored.count, classes);
    const { engine, progress, signal } = await observing(study, `glance at ${model.name}`);
    const features = await engine.features(network, few, { onProgress: progress, signal });
    return knnScore(features, few.labels, classes, coreAlgebra).accuracy;
  } catch (error) {
    if (!(error instanceof Failure) || error.code === 'cancelled') throw error;
    return undefined;
  }
}
