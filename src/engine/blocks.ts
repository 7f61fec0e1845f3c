import type { Plan, Step } from './plan.ts';

/**
 * The steps before the classifier in blocks: a block lies between two places that every path passes and has a layer with
 * kernels in it. A residual block is one, and so is a convolution with its BatchNormalization and activation.
 */
export function blocksOf({ steps }: Plan, classifier: string): Step[][] {
  const lastReader = new Map<string, number>();
  for (const [at, { inputs }] of steps.entries()) for (const id of inputs) lastReader.set(id, at);
  const blocks: Step[][] = [];
  let stretch: Step[] = [];
  let reach = 0;
  for (const [at, step] of steps.entries()) {
    if (step.node.id === classifier) break;
    stretch.push(step);
    if (reach <= at) {
      const kernels = stretch.some(({ specs }) => specs.some(({ inAxis }) => inAxis !== undefined));
      // What has no kernels goes with the block before it; before the first one, with that.
      if (kernels) blocks.push(stretch);
      else blocks.at(-1)?.push(...stretch);
      if (blocks.length > 0) stretch = [];
    }
    reach = Math.max(reach, lastReader.get(step.id) ?? 0);
  }
  return blocks;
}
