import { createPlanner, elbowOf } from '../../../core/prune/index.ts';
import type { Network } from '../../../core/network/index.ts';
import { knnScore } from '../../../core/transfer/knn.ts';
import type { PruningCurve } from '../../../schema/recommendations.ts';
import { arithmeticWith } from '../dice.ts';
import { sampled } from './images.ts';
import { type Fitting, pruneRequestOf, recalibratedCut } from './fit.ts';

/** From nothing to where every network has fallen. */
const RATIOS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
/** Images that the accuracies of a curve are taken on: an elbow is coarser than a ranking. */
const CURVE_IMAGES = 600;

/**
 * How well the features of a backbone still tell the target's classes apart when Dice pruning takes more and more kernels
 * (Hajbi 2025, Figure 2, before any training): leave-one-out k-NN accuracy of the recalibrated network, and its elbow.
 */
export async function pruningCurve(
  network: Network,
  fitting: Pick<Fitting, 'request' | 'engine' | 'images' | 'classes' | 'seed' | 'progress' | 'signal'>,
): Promise<PruningCurve> {
  const { request, engine, images, classes, progress, signal } = fitting;
  const few = sampled(images.scored, CURVE_IMAGES / images.scored.count, classes);
  const accuracyOf = async (one: Network) =>
    knnScore(await engine.features(one, few, { signal }), few.labels, classes, engine.linear).accuracy;
  const planner = createPlanner(network, { ...pruneRequestOf(request, { ratio: RATIOS[0] }), arithmetic: arithmeticWith(engine) });
  const points: PruningCurve['points'] = [];
  for (const [at, ratio] of [0, ...RATIOS].entries()) {
    progress({ phase: `pruning curve ${network.metadata.name}`, done: at, total: RATIOS.length + 1 });
    const plan = planner({ ratio: ratio || RATIOS[0] });
    const smaller = ratio === 0 ? network : await recalibratedCut(network, plan, { ...fitting, progress: () => {} }, few);
    points.push({ ratio, flops: ratio === 0 ? plan.cost.before.flops : plan.cost.after.flops, accuracy: await accuracyOf(smaller) });
  }
  const elbow = elbowOf(points.map(({ ratio, accuracy }) => ({ ratio, accuracy: accuracy.value })));
  return { points, elbow: points[Math.max(1, elbow)].ratio };
}
