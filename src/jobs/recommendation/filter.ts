import { Failure } from '../../core/failure.ts';
import type { RecommendationResult, RecommendRequest } from '../../schema/recommendations.ts';
import type { ModelRef } from '../types.ts';

type Filters = RecommendRequest['filters'];

/**
 * The candidates that pass the filters, and why the others do not.
 *
 * @throws Failure `target-unreachable` where none does, naming what there is
 */
export function filtered<C extends { readonly model: ModelRef }>(
  candidates: readonly C[],
  filters: Filters,
): { kept: C[]; leftOut: RecommendationResult['leftOut'] } {
  const kept: C[] = [];
  const leftOut: RecommendationResult['leftOut'] = [];
  for (const candidate of candidates) {
    const reason = obstacle(candidate.model, filters);
    if (reason === undefined) kept.push(candidate);
    else leftOut.push({ name: candidate.model.name, reason });
  }
  if (kept.length === 0) {
    throw new Failure('target-unreachable', `The filters leave none of the ${candidates.length} candidates.`, {
      hint: `There are ${leftOut.map(({ name, reason }) => `${name} (${reason})`).join(', ')}.`,
      field: 'filters',
    });
  }
  return { kept, leftOut };
}

function obstacle(
  { summary: { licence, family, inputShape } }: ModelRef,
  { licences, families, inputSideMax }: Filters,
): string | undefined {
  const [height, width] = inputShape;
  if (licences && !(licence !== null && includes(licences, licence))) return `licence ${licence ?? 'unknown'}`;
  if (families && !(family !== null && includes(families, family))) return `family ${family ?? 'unknown'}`;
  if (inputSideMax !== undefined && Math.max(height, width) > inputSideMax) return `input ${height}×${width}`;
  return undefined;
}

const includes = (wanted: readonly string[], value: string): boolean =>
  wanted.some((one) => one.toLocaleLowerCase('en') === value.toLocaleLowerCase('en'));
