import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../core/failure.ts';
import { limits } from '../limits.ts';

/** Something that may go better a moment later: a broken connection, a busy server. */
export class Transient extends Error {
  override readonly name = 'Transient';
  /** What the server asked to wait, milliseconds. */
  readonly waitMs: number;

  constructor(message: string, about: { waitMs?: number; cause?: unknown } = {}) {
    super(message, { cause: about.cause });
    this.waitMs = about.waitMs ?? 0;
  }
}

export interface Patience {
  /** First wait, milliseconds; each further one is twice as long. */
  readonly backoffMs: number;
  readonly signal: AbortSignal;
  /** Told before each wait. */
  readonly onRetry: (message: string) => void;
}

/**
 * Runs `attempt` until it does not throw a {@link Transient}, with exponential waits (half of each is drawn, so that many callers
 * do not come back at once). Attempts that got further are not counted against it.
 * @param reached how far it has got, in any unit
 * @throws Failure `download-failed` after limits.downloadAttemptsMax attempts that got no further, or when `signal` is a timeout's
 */
export async function persistently<T>(attempt: () => Promise<T>, { backoffMs, signal, onRetry }: Patience, reached = () => 0): Promise<T> {
  let furthest = reached();
  for (let failed = 0; ;) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.reason instanceof Error && signal.reason.name === 'TimeoutError') throw tooSlow(error);
      if (!(error instanceof Transient)) throw error;
      failed = reached() > furthest ? 1 : failed + 1;
      furthest = Math.max(furthest, reached());
      if (failed >= limits.downloadAttemptsMax || error.waitMs > limits.downloadWaitMsMax) throw givenUp(error);
      const waitMs = Math.max(error.waitMs, backoffMs * 2 ** (failed - 1) * (0.5 + Math.random() / 2));
      onRetry(`${error.message}; trying again in ${(waitMs / 1000).toFixed(1)} s`);
      await sleep(waitMs, undefined, { signal });
    }
  }
}

const tooSlow = (cause: unknown): Failure =>
  new Failure('download-failed', 'The download took too long.', { hint: 'Try again: it goes on from here.', field: 'source', cause });

const givenUp = (cause: Transient): Failure =>
  new Failure('download-failed', `The download failed: ${cause.message}.`, {
    hint: 'Try again later: what has arrived is kept. Or download the file and send it.',
    field: 'source',
    cause,
  });
