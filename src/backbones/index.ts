export { architectures, buildBackbone, familyOf, topologyOf, type Architecture, type Topology, type TopologyOptions } from './build.ts';
export { DEFAULT_PREPROCESSING } from './blueprint.ts';
export { torchTensors } from './export.ts';
export { loadWeights, namedWeights, torchNaming, type WeightNaming } from './weights.ts';
export { kerasNaming, kerasSpelling } from './keras.ts';
