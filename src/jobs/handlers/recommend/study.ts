import { Failure, type FailureCode, failureCodes } from '../../../core/failure.ts';
import type { Network } from '../../../core/network/index.ts';
import type { PruningCurve } from '../../../schema/recommendations.ts';
import { type Entries, type Fit, needsFit, openEntries } from '../../recommendation/entries.ts';
import { cutOf, isObserved, type Known } from '../../recommendation/rank.ts';
import type { JobContext, ModelRef, RecommendedModel } from '../../types.ts';
import { classMatch } from '../classes.ts';
import { loadNetwork } from '../models.ts';
import { withHeadFor } from '../stages.ts';
import { openSources } from './candidates.ts';
import { pruningCurve } from './curve.ts';
import { fit, recalibratedCut } from './fit.ts';
import { openImages, type TargetImages } from './images.ts';
import { observe, type Observing } from './observe.ts';
import type { Entrant } from './verify.ts';

/** What a job works with while it finds out about candidates. */
export interface Study extends JobContext<'recommend'> {
  readonly entries: Entries;
  imagesOfSize(size: { readonly height: number; readonly width: number }): Promise<TargetImages>;
  readonly sourceOf: Awaited<ReturnType<typeof openSources>>;
}

export async function openStudy(context: JobContext<'recommend'>): Promise<Study> {
  const entries = openEntries(context.cache, context.input.dataset);
  return { ...context, entries, imagesOfSize: openImages(context), sourceOf: await openSources(context.zooDir) };
}

export interface Opened {
  readonly network: Network;
  readonly images: TargetImages;
}

export async function open({ blobs, imagesOfSize }: Study, model: ModelRef): Promise<Opened> {
  const [height, width] = model.summary.inputShape;
  return { network: await loadNetwork(blobs, model), images: await imagesOfSize({ height, width }) };
}

/** Opens the engine: to be asked for when something has to be run. */
export async function observing(study: Study, phase: string): Promise<Observing> {
  const { input, signal, progress, engine } = study;
  return {
    engine: await engine(),
    classes: input.dataset.report.classes.length,
    seed: input.request.seed,
    progress: (one) => progress({ ...one, phase }),
    signal,
  };
}

/**
 * All there is to know of one candidate before it is fine-tuned: every score from one forward pass, and where it does not fit
 * the limits the same of what pruning makes of it. A failure of its own is told of it, so that the others are still ranked.
 */
export async function know(study: Study, { model, weights }: RecommendedModel): Promise<Known> {
  const { entries, input, sourceOf } = study;
  const { seed, constraints } = input.request;
  const whole = await orWhyNot(() =>
    entries.remember('observed', { model, seed }, () =>
      orWhyNot(async () => {
        const { network, images } = await open(study, model);
        return observe(await observing(study, `score ${model.name}`), network, images.scored, { weights, ...(await sourceOf(model)) });
      }, OF_THE_NETWORK),
    ),
  );
  if (!isObserved(whole) || !needsFit(model, constraints)) return { model, whole, fit: null };
  const make = async (): Promise<Fit> => {
    const { network, images } = await open(study, model);
    const own = await observing(study, `fit ${model.name}`);
    const source = { weights: null, ...(await sourceOf(model)), quantiles: null };
    return fit(network, model.summary.cost, {
      ...own,
      request: input.request,
      images,
      observe: (smaller) => observe(own, smaller, images.scored, source),
    });
  };
  // What was measured while the machine was busy is measured again when it is asked for again.
  const found = await entries.remember('fit', { model, seed, limits: constraints }, make, ({ isSteady }) => isSteady);
  return { model, whole, fit: found };
}

/** How the chosen model bears pruning; null where it cannot be pruned. */
export async function curveOf(study: Study, model: ModelRef): Promise<PruningCurve | null> {
  const { entries, input } = study;
  const found = await orWhyNot(() =>
    entries.remember('curve', { model, seed: input.request.seed }, async () => {
      const { network, images } = await open(study, model);
      return pruningCurve(network, { ...(await observing(study, `pruning curve ${model.name}`)), request: input.request, images });
    }),
  );
  return 'failed' in found ? null : found;
}

/** The candidate as it is fine-tuned: with a head for the target's classes, and cut where it had to be. */
export function entrantOf(study: Study, known: Known): Entrant {
  const { model } = known;
  const { dataset } = study.input;
  const [height, width] = model.summary.inputShape;
  const made = async (): Promise<Network> => {
    const { network, images } = await open(study, model);
    const plan = cutOf(known);
    return plan ? recalibratedCut(network, plan, await observing(study, `cut ${model.name}`), images.train) : network;
  };
  let network: Promise<Network> | undefined;
  return {
    id: model.id,
    name: model.name,
    network: async (seed) => {
      const fitted = await (network ??= made());
      return classMatch(fitted, dataset) === 'same' ? fitted : withHeadFor(fitted, dataset, { seed });
    },
    images: () => study.imagesOfSize({ height, width }),
  };
}

/** Failures that the same network would have again. */
const OF_THE_NETWORK: readonly FailureCode[] = ['non-finite-weights', 'unsupported-layer', 'shape-mismatch'];

/**
 * A candidate's own failure as a reason; an end that was asked for stays one.
 *
 * @param codes of the failures that are told so; all by default
 */
export async function orWhyNot<T>(
  find: () => Promise<T>,
  codes: readonly FailureCode[] = failureCodes,
): Promise<T | { readonly failed: string }> {
  try {
    return await find();
  } catch (error) {
    if (!(error instanceof Failure) || error.code === 'cancelled' || !codes.includes(error.code)) throw error;
    return { failed: [error.message, error.hint].filter(Boolean).join(' ') };
  }
}
