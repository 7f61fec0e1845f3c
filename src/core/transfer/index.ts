export type { Features } from './features.ts';
export { knnScore, type KnnScore } from './knn.ts';
export { logMe, logMeEstimate } from './logme.ts';
export { parc } from './parc.ts';
export { rankCandidates, type Candidate, type Constraints, type Ranked, type Ranking } from './rank.ts';
export { gbc, hScore, regularisedHScore, transRate } from './separation.ts';
export { sfda } from './sfda.ts';
export { leep, nce, type SourceProbabilities } from './source-head.ts';
