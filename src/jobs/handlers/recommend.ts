import { activationProfile } from '../../core/dice/index.ts';
import { Failure } from '../../core/failure.ts';
import type { ImageSet } from '../../core/images.ts';
import { rankCandidates, scoreCandidate, type Candidate } from '../../core/transfer/index.ts';
import type { Engine } from '../../engine/types.ts';
import type { ProfileResult } from '../../schema/profiles.ts';
import type { RankedCandidate, RecommendationResult } from '../../schema/recommendations.ts';
import type { JobContext, JobHandler, ModelRef } from '../types.ts';
import { firstImages, inputSizeOf, joined, packSplits } from './images.ts';
import { loadNetwork, profileWeights, stampOf } from './models.ts';

/** Scores need no more: their intervals are then about a point of accuracy wide, and k-NN grows with the square. */
const SCORE_IMAGES_MAX = 2000;
const PROBE_IMAGES = 256;
const POSITIONS_PER_IMAGE = 8;
/** Pruned away when no budget is given. */
const DEFAULT_RATIO = 0.3;

interface Scored {
  readonly model: ModelRef;
  readonly candidate: Candidate;
  readonly knn: RankedCandidate['scores']['knn'];
  readonly weights: ProfileResult;
}

/** Scores every candidate on the target's train and validation images (never test), ranks them and says what to prune next. */
export const recommend: JobHandler<'recommend'> = async (context) => {
  const { request, dataset, candidates } = context.input;
  const engine = await context.engine();
  const imagesOfSize = packedOnce(context);
  const scored: Scored[] = [];
  let images: ImageSet | undefined;
  for (const [position, model] of candidates.entries()) {
    context.progress({ phase: `score ${model.name}`, done: position, total: candidates.length });
    const network = await loadNetwork(context.blobs, model);
    images = await imagesOfSize(inputSizeOf(network));
    scored.push(await score({ ...context, engine, images, classes: dataset.report.classes.length, seed: request.seed }, model, network));
  }
  if (images === undefined) throw new Error('The service queues at least one candidate.');

  const ranking = rankCandidates(
    scored.map(({ candidate }) => candidate),
    images.labels,
    request.constraints,
    { seed: request.seed },
  );
  const byId = new Map(scored.map((entry) => [entry.model.id, entry]));
  const { flopsMax } = request.constraints;
  const chosen = ranking.candidates.find(({ id }) => id === ranking.chosen);
  const target = flopsMax !== undefined && chosen?.flopsAfterPruning != null ? { flops: flopsMax } : { ratio: DEFAULT_RATIO };
  return {
    ranking: ranking.candidates.map(({ id, ...ranked }) => rankedDocument(ranked, byId.get(id))),
    chosen: ranking.chosen,
    summary: ranking.summary,
    images: images.count,
    predictedBy: ranking.predictedBy,
    warnings: [...ranking.warnings],
    next: { model: ranking.chosen, dataset: dataset.id, target, fineTune: { recipe: 'default' }, seed: request.seed },
    engine: stampOf(engine),
    seed: request.seed,
  } satisfies RecommendationResult;
};

/** Train and validation images at a size; candidates of one input size share them. */
function packedOnce(context: JobContext<'recommend'>): (size: { height: number; width: number }) => Promise<ImageSet> {
  const packed = new Map<string, Promise<ImageSet>>();
  return (size) => {
    const key = `${size.height}×${size.width}`;
    const known = packed.get(key) ?? pack(context, size);
    packed.set(key, known);
    return known;
  };
}

async function pack(context: JobContext<'recommend'>, size: { height: number; width: number }): Promise<ImageSet> {
  const { train, validation } = await packSplits(context, context.input.dataset, size, ['train', 'validation']);
  const share = Math.min(1, SCORE_IMAGES_MAX / (train.count + validation.count));
  return joined(firstImages(train, Math.floor(train.count * share)), firstImages(validation, Math.floor(validation.count * share)));
}

interface Scoring extends Pick<JobContext<'recommend'>, 'progress' | 'signal'> {
  readonly engine: Engine;
  readonly images: ImageSet;
  readonly classes: number;
  readonly seed: number;
}

async function score(
  { engine, images, classes, seed, progress, signal }: Scoring,
  model: ModelRef & { weightProfile: ProfileResult | null },
  network: Awaited<ReturnType<typeof loadNetwork>>,
): Promise<Scored> {
  const onProgress: typeof progress = (one) => progress({ ...one, phase: `score ${model.name}` });
  const features = await engine.features(network, images, { onProgress, signal });
  const { scores, influences } = scoreCandidate(
    { features, labels: images.labels, classes, flops: model.summary.cost.flops, params: model.summary.cost.params },
    { seed },
  );
  const { logme, knn } = scores;
  if (logme.value === null || knn.value === null || influences.knn === undefined) {
    throw new Failure('non-finite-weights', `The features of ${model.name} are the same for every image.`, { field: 'candidates' });
  }
  const probe = firstImages(images, PROBE_IMAGES);
  const samples = await engine.activations(network, probe, { positionsPerImage: POSITIONS_PER_IMAGE, seed, onProgress, signal });
  const activations = activationProfile(samples, { seed });
  const weights = model.weightProfile ?? profileWeights(network, { layers: 'conv', seed: 0 });
  const { flops, params } = model.summary.cost;
  return {
    model,
    knn,
    weights,
    candidate: {
      id: model.id,
      name: model.name,
      logMe: logme,
      correct: Uint8Array.from(influences.knn, (moved) => (moved > 0 ? 1 : 0)),
      weightDiversity: weights.diversity,
      activationDiversity: activations.diversity,
      redundantShare: weights.redundantShare,
      flops,
      params,
    },
  };
}

function rankedDocument(
  ranked: Omit<ReturnType<typeof rankCandidates>['candidates'][number], 'id'>,
  entry: Scored | undefined,
): RankedCandidate {
  if (entry === undefined) throw new Error('The ranking names a model that was not scored.');
  const { candidate, model, knn, weights } = entry;
  return {
    model: model.id,
    name: model.name,
    rank: ranked.rank,
    tiedWith: [...ranked.tiedWith],
    predictedAccuracy: ranked.predictedAccuracy,
    probabilityBest: ranked.probabilityBest,
    behindChosen: ranked.behindChosen,
    scores: {
      logMe: candidate.logMe,
      knn,
      weightDiversity: candidate.weightDiversity,
      weightDiversityExcess: weights.diversityExcess,
      activationDiversity: candidate.activationDiversity,
    },
    cost: model.summary.cost,
    flopsAfterPruning: ranked.flopsAfterPruning,
    excluded: ranked.excluded,
    reasons: [...ranked.reasons],
  };
}
