export { costOf, costOfNode, type Cost, type NetworkCost } from './cost.ts';
export { replaceHead } from './head.ts';
export type { Coupler, Kept, KernelMatrix, Layer, LayerWeights, WeightSpec } from './layers/definition.ts';
export { channelsOf, sizeOf, windowed } from './layers/definition.ts';
export { isKind, layerOf, layers } from './layers/index.ts';
export { inferShapes, inputShapesOf, weightsOf } from './shapes.ts';
export {
  activationSites,
  classifierNode,
  featuresNode,
  kernelLayers,
  kernelMatrix,
  logitsNode,
  nodeOf,
  reconfigured,
  type ActivationSite,
} from './structure.ts';
export type * from './types.ts';
export { validateNetwork } from './validate.ts';
export { gather, zeroOutside } from './tensors.ts';
export { referenceForward } from './reference.ts';
