import type { BackendName } from '../../src/engine/index.ts';

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

export interface BenchOptions {
  readonly threads: number;
  readonly backend: BackendName;
}
