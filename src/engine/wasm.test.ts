import { beforeAll, describe } from 'vitest';
import { loadBackend } from './backend.ts';
import type { Backend } from './backend.ts';
import { engineOf } from './index.ts';
import { describeEngine } from './testing/engine.ts';
import { describeOperations } from './testing/operations.ts';

let backend: Backend;
beforeAll(async () => {
  backend = await loadBackend('wasm', 1);
});

describe('wasm operations', () => describeOperations(() => backend));
describe('wasm engine', () => describeEngine(() => engineOf(backend)));
