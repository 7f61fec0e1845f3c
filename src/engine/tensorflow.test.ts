import { beforeAll, describe } from 'vitest';
import { loadBackend } from './backend.ts';
import type { Backend } from './backend.ts';
import { engineOf } from './index.ts';
import { describeEngine } from './testing/engine.ts';
import { describeOperations } from './testing/operations.ts';

let backend: Backend;
beforeAll(async () => {
  backend = await loadBackend('tensorflow', 2);
});

describe('tensorflow operations', () => describeOperations(() => backend));
describe('tensorflow engine', () => describeEngine(() => engineOf(backend)));
