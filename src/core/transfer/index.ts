export type { Features } from './features.ts';
export { knnScore, type KnnScore } from './knn.ts';
export { logMe, logMeEstimate } from './logme.ts';
export { rankCandidates, type Candidate, type Constraints, type Ranked, type Ranking } from './rank.ts';
