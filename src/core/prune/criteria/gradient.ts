import { sumsOf, type Portion } from '../portion.ts';
import type { GroupView } from '../view.ts';
import { meanOfKernels, type Criterion } from './criterion.ts';

// Scores estimate a change of one loss, so they are compared between layers as they are.

const ofGradients = (score: Criterion['score']): Criterion => ({ compares: false, needs: () => ['gradients'], score });

/** w·∂L/∂w summed over a channel's kernels. */
function products(view: GroupView, kernels: Portion): Float64Array {
  const gradient = view.values('gradient', kernels);
  return sumsOf(kernels, (value, at) => value * gradient[at]);
}

/**
 * |Σ w·∂L/∂w| of a channel's kernels: the first-order change of the loss when the channel leaves (Molchanov et al. 2019).
 * With batch statistics it would be zero before every BatchNormalization, whose output does not depend on the scale of
 * the kernel; the gradients are those of the moving statistics.
 */
export const taylor = ofGradients((view) => meanOfKernels(view, (kernels) => products(view, kernels).map(Math.abs)));

/** Σ w²·E[g²]: the second-order change of the loss with the empirical Fisher for the Hessian's diagonal (LeCun et al. 1990). */
export const hessian = ofGradients((view) =>
  meanOfKernels(view, (kernels) => {
    const squared = view.values('squaredGradient', kernels);
    return sumsOf(kernels, (value, at) => value * value * squared[at]);
  }),
);

/**
 * Σ|w·∂L/∂w|: how much the loss answers to the masks of a channel's weights (Lee et al. 2019). Their normalisation by the
 * sum over the network is one factor for all and orders nothing.
 */
export const snip = ofGradients((view) =>
  meanOfKernels(view, (kernels) => {
    const gradient = view.values('gradient', kernels);
    return sumsOf(kernels, (value, at) => Math.abs(value * gradient[at]));
  }),
);

/** Σ w·Hg: the highest −w·Hg leave, whose loss keeps the most of its gradient flow (GraSP, Wang et al. 2020). */
export const grasp: Criterion = {
  compares: false,
  needs: () => ['hessianProduct'],
  score: (view) =>
    meanOfKernels(view, (kernels) => {
      const product = view.values('hessianProduct', kernels);
      return sumsOf(kernels, (value, at) => value * product[at]);
    }),
};
