import { beforeAll, describe } from 'vitest';
import { loadBackend } from './backend.ts';
import type { Backend } from './backend.ts';
import { describeOperations } from './testing/operations.ts';

let backend: Backend;
beforeAll(async () => {
  backend = await loadBackend('cpu', 1);
});

describe('cpu operations', () => describeOperations(() => backend));
