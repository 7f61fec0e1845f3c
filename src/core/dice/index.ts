export { clusterOrder } from './cluster-order.ts';
export { compareProfiles, type ProfileComparison } from './compare.ts';
export { measuredError } from './measured-error.ts';
export {
  activationProfile,
  requireFinite,
  weightProfile,
  type LayerProfile,
  type ModelProfile,
  type ProfileOptions,
  type SampledActivations,
} from './profile.ts';
export { profileMatrix, similaritySpectrum, type DiceStatistics, type Spectrum } from './profile-matrix.ts';
export { algorithm1, greedy, limitOf, representatives, type Selection, type SelectionOptions } from './select.ts';
export {
  averageSimilarity,
  compareKernels,
  similarityMatrix,
  type Compare,
  type KernelMatrix,
  type Similarities,
  type SimilarityOptions,
} from './similarity.ts';
export { packTriangle, pairsOf, placesOfTriangles, unpackTriangle } from './triangle.ts';
