import { beforeAll, describe } from 'vitest';
import { loadBackend } from './backend.ts';
import { engineOf } from './index.ts';
import { describeHooks } from './testing/hooks.ts';
import type { Engine } from './types.ts';

let engine: Engine;
beforeAll(async () => {
  engine = engineOf(await loadBackend('tensorflow', 1));
});

describe('tensorflow', () => describeHooks(() => engine));
