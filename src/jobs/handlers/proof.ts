import { Failure } from '../../core/failure.ts';
import { firstImages, type ImageSet } from '../../core/images.ts';
import type { Network } from '../../core/network/index.ts';
import { masked, type Removal } from '../../core/prune/index.ts';
import type { Engine } from '../../engine/types.ts';
import type { PruneReport } from '../../schema/prunings.ts';

const PROBE_IMAGES = 32;
/** Of the outputs' scale (METHOD.md §3). */
const DIFFERENCE_MAX = 1e-4;

/**
 * Proof of a cut: the original with the removed channels' consumers zeroed, and the compacted network, answer the same.
 * @throws Error when they do not: the artifact would not be the model that the plan describes
 */
export async function provePlan(
  engine: Engine,
  base: Network,
  pruned: Network,
  plan: { readonly groups: readonly Removal[] },
  images: ImageSet,
): Promise<PruneReport['proof']> {
  const probe = firstImages(images, PROBE_IMAGES);
  const wanted = await engine.logits(masked(base, plan), probe);
  const got = await engine.logits(pruned, probe);
  let maxDifference = 0;
  let scale = 0;
  for (let i = 0; i < wanted.length; i++) {
    maxDifference = Math.max(maxDifference, Math.abs(wanted[i] - got[i]));
    scale = Math.max(scale, Math.abs(wanted[i]));
  }
  const relativeDifference = maxDifference / (scale || 1);
  if (!(relativeDifference <= DIFFERENCE_MAX)) {
    throw new Failure(
      'internal',
      `The pruned network differs from its plan by ${relativeDifference.toExponential(1)} of the outputs' scale.`,
      {
        hint: 'This is a defect of Espalier: please report it with the model and the request.',
      },
    );
  }
  return { maxDifference, relativeDifference, images: probe.count };
}
