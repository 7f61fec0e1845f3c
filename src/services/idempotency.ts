import { and, eq, lt } from 'drizzle-orm';
import { Failure } from '../core/failure.ts';
import { idempotencyKeys } from '../store/tables.ts';
import type { Context } from './context.ts';

/** An answer as it was first given. */
export interface StoredAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: unknown;
}

interface KeyOfRoute {
  readonly key: string;
  /** Method and path. */
  readonly route: string;
}

/** Answers are kept for a day: longer than a client retries. */
const KEPT_MS = 24 * 3600 * 1000;

const rowOf = ({ key, route }: KeyOfRoute) => and(eq(idempotencyKeys.route, route), eq(idempotencyKeys.key, key));

/**
 * Takes the key for the first request that brings it; for a later one the answer, to be replayed if its body's hash is the same.
 * Fails with `conflict` while the first is under way.
 */
export function takeKey({ store }: Context, of: KeyOfRoute): { bodyHash: string; answer: StoredAnswer } | undefined {
  return store.transaction((tx) => {
    tx.delete(idempotencyKeys)
      .where(lt(idempotencyKeys.createdAt, new Date(Date.now() - KEPT_MS).toISOString()))
      .run();
    const row = tx.select().from(idempotencyKeys).where(rowOf(of)).get();
    if (!row) {
      tx.insert(idempotencyKeys)
        .values({ ...of, bodyHash: '', status: null, answer: null, createdAt: new Date().toISOString() })
        .run();
      return undefined;
    }
    if (row.status === null || row.answer === null) {
      throw new Failure('conflict', 'The first request with this Idempotency-Key is still under way.', {
        hint: 'Wait for its answer, then repeat the request.',
        field: 'idempotency-key',
      });
    }
    return { bodyHash: row.bodyHash, answer: { status: row.status, ...row.answer } };
  });
}

/** Keeps the answer for later requests with the key. */
export const keepAnswer = ({ store }: Context, of: KeyOfRoute, bodyHash: string, { status, headers, body }: StoredAnswer): void => {
  store.db.update(idempotencyKeys).set({ bodyHash, status, answer: { headers, body } }).where(rowOf(of)).run();
};

/** Lets go of the key of a request that failed: it left nothing behind, and its repetition may succeed. */
export const dropKey = ({ store }: Context, of: KeyOfRoute): void => {
  store.db.delete(idempotencyKeys).where(rowOf(of)).run();
};
