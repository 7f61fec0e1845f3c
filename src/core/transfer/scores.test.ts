import { describe } from 'vitest';
import { coreAlgebra } from '../linear/algebra.ts';
import { describeScores } from './testing/scores.ts';

describe('scores by core’s own arithmetic', () => describeScores(() => coreAlgebra));
