export { alignment, type Alignment } from './alignment.ts';
export type { DiversityEvidence, ScoredCandidate, ScoreOptions, TransferEvidence } from './evidence.ts';
export type { Features } from './features.ts';
export { knnScore } from './knn.ts';
export type { LeaveOneOutScore } from './leave-one-out.ts';
export type { Outcome } from './outcome.ts';
export { rankCandidates, type Candidate, type Constraints, type Ranked, type Ranking } from './rank.ts';
export { scoreCandidate } from './score-candidate.ts';
export { scoreIds, scoreTable, type CandidateScores, type Score, type ScoreId } from './scores.ts';
