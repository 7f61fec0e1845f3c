import { describe } from 'vitest';
import { referenceAlgebra } from '../linear/testing/reference.fixture.ts';
import { describeScores } from './testing/scores.ts';

describe('scores by the reference algebra', () => describeScores(() => referenceAlgebra));
