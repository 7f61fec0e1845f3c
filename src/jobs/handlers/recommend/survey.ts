import { Failure } from '../../../core/failure.ts';
import type { Observed } from '../../recommendation/entries.ts';
import { isObserved, type Known, rankKnown, rankWhole } from '../../recommendation/rank.ts';
import type { RecommendedModel } from '../../types.ts';
import { sampled } from './images.ts';
import { observe } from './observe.ts';
import { know, observing, open, orWhyNot, type Study } from './study.ts';

/** Rankings so far that are told on the way: each takes a bootstrap. */
const TOLD_MAX = 16;
/** Candidates of a ranking so far that are told: what a person looks at while it goes on. */
const TOLD_CANDIDATES = 10;
/** Images of the first look where time is limited: intervals are then about six points wide. */
const GLANCE_IMAGES = 300;
/** A candidate with a smaller chance to be the best on these is not gone on with. */
const HOPE_MIN = 0.01;

/**
 * Finds out about all candidates, telling the best so far as it goes. Where time is limited all of them are looked at on a
 * sample of the images first: those that have hardly a chance to be the best are not gone on with, the others come in the
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
      const failed = `It was not scored on all images: the budget of ${request.budget.seconds} seconds was spent.`;
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

/** All candidates that are not known yet, ranked on a sample of the images. */
async function glanceAtAll(
  study: Study,
  candidates: readonly RecommendedModel[],
): Promise<{ order: RecommendedModel[]; stopped: Known[] }> {
  const { input, entries } = study;
  const seen: Known[] = [];
  const unseen: RecommendedModel[] = [];
  for (const candidate of bySize(candidates)) {
    const known = await entries.read('observed', { model: candidate.model, seed: input.request.seed });
    const whole = known ? undefined : await glance(study, candidate);
    if (whole === undefined) unseen.push(candidate);
    else seen.push({ model: candidate.model, whole, fit: null });
  }
  if (seen.length === 0) return { order: unseen, stopped: [] };
  const order: RecommendedModel[] = [];
  const stopped: Known[] = [];
  for (const { id, probabilityBest } of rankWhole(seen, input).candidates) {
    const candidate = candidates.find(({ model }) => model.id === id);
    if (candidate === undefined) throw new Error(`No candidate is called ${id}.`);
    if (probabilityBest >= HOPE_MIN) order.push(candidate);
    else {
      const failed = `It was stopped early: on a sample of ${GLANCE_IMAGES} images its chance to be the best was ${(100 * probabilityBest).toFixed(1)} %.`;
      stopped.push({ model: candidate.model, whole: { failed }, fit: null });
    }
  }
  return { order: [...unseen, ...order], stopped };
}

/** The scores on a sample of the images; undefined where the candidate cannot be looked at, which a whole look will tell of. */
async function glance(study: Study, { model, weights }: RecommendedModel): Promise<Observed | undefined> {
  const { network, images } = await open(study, model);
  const few = sampled(images.scored, GLANCE_IMAGES / images.scored.count, study.input.dataset.report.classes.length);
  const found = await orWhyNot(async () =>
    observe(await observing(study, `glance at ${model.name}`), network, few, { weights, ...(await study.sourceOf(model)) }),
  );
  return isObserved(found) ? found : undefined;
}
