import { z } from '@hono/zod-openapi';
import { Failure } from '../core/failure.ts';
import { comparison, type Comparison } from '../schema/comparisons.ts';
import { evaluation, type Evaluation } from '../schema/evaluations.ts';
import { job, type Job } from '../schema/jobs.ts';
import type { Model } from '../schema/models.ts';
import { model } from '../schema/models.ts';
import { profile, type Profile } from '../schema/profiles.ts';
import { pruning, type Pruning } from '../schema/prunings.ts';
import { recommendation, type Recommendation } from '../schema/recommendations.ts';
import { modelCard } from './card.ts';
import { dataset } from '../schema/datasets.ts';
import { reportFiles } from './report.ts';
import { linkOf } from './resolve.ts';
import { saveArtifact, type SavedArtifact } from './save.ts';
import { bestSoFar } from './recommend-view.ts';
import { type BoardOf, follow, type Session } from './session.ts';

/** Posts a request that may be answered at once or by a job; follows the job and fetches what it links by `name`. */
async function outcome<S extends z.ZodType>(
  session: Session,
  path: string,
  body: unknown,
  name: string,
  schema: S,
  boardOf?: BoardOf,
): Promise<z.infer<S>> {
  const answer = await session.client.post(path, body, z.union([job, schema]));
  if (!isJob(answer)) return answer as z.infer<S>;
  return session.client.get(linkOf(await follow(session, answer.id, boardOf), name), schema);
}

const isJob = (answer: unknown): answer is Job => typeof answer === 'object' && answer !== null && 'state' in answer;

/** `POST /profiles`, to its end. */
export const profileOf = (session: Session, body: unknown): Promise<Profile> => outcome(session, '/profiles', body, 'profile', profile);

/** `POST /recommend`, to its end. */
export const recommendationOf = (session: Session, body: unknown): Promise<Recommendation> =>
  outcome(session, '/recommend', body, 'recommendation', recommendation, bestSoFar);

/** `POST /evaluate`, to its end. */
export const evaluationOf = (session: Session, body: unknown): Promise<Evaluation> =>
  outcome(session, '/evaluate', body, 'evaluation', evaluation);

/** `POST /prune`, to its end. */
export const pruningOf = (session: Session, body: unknown): Promise<Pruning> => outcome(session, '/prune', body, 'pruning', pruning);

/** `POST /compare`, to its end. */
export const comparisonOf = (session: Session, body: unknown): Promise<Comparison> =>
  outcome(session, '/compare', body, 'comparison', comparison);

/** Writes the artifact of a pruning with its report and plan beside it. */
export async function savePruning(session: Session, done: Pruning, folder?: string): Promise<{ saved: SavedArtifact; artifact: Model }> {
  if (done.artifact === null)
    throw new Failure('invalid-request', 'A plan has no artifact.', { hint: 'Run the pruning without --plan-only.' });
  const artifact = await session.client.get(`/models/${done.artifact}`, model);
  const pretty = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  const data = await session.client.get(`/datasets/${done.request.dataset}`, dataset);
  const files = {
    'report.json': pretty(done.report),
    'plan.json': pretty(done.plan),
    ...(done.report && { ...reportFiles(done, done.report, artifact, data), 'README.md': modelCard(done, done.report, artifact, data) }),
  };
  return { saved: await saveArtifact(session, artifact, folder, files), artifact };
}
