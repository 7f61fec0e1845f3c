import { createHash } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { Failure } from '../core/failure.ts';
import type { Context } from '../services/context.ts';
import { dropKey, keepAnswer, takeKey } from '../services/idempotency.ts';
import type { Env } from './router.ts';

/** Headers of an answer that are part of what it says. */
const KEPT_HEADERS = ['content-type', 'location'];

/**
 * Replays the stored answer of a POST whose Idempotency-Key was seen before. Bodies are hashed as they stream past, so uploads are
 * not held. Only success is stored. Fails with `idempotency-mismatch` for another body and `conflict` while the first is under way.
 */
export const idempotent = (context: Context): MiddlewareHandler<Env> => {
  return async (c, next) => {
    const key = c.req.header('idempotency-key');
    if (c.req.method !== 'POST' || key === undefined) return next();
    if (key.length === 0 || key.length > 255) {
      throw new Failure('invalid-request', 'The Idempotency-Key must have 1 to 255 characters.', { field: 'idempotency-key' });
    }
    const { pathname, search } = new URL(c.req.url);
    const of = { key, route: `POST ${pathname}${search}` };
    const hash = createHash('sha256');
    const first = takeKey(context, of);
    if (first) {
      if (c.req.raw.body) for await (const chunk of c.req.raw.body) hash.update(chunk);
      if (hash.digest('hex') !== first.bodyHash) {
        throw new Failure('idempotency-mismatch', 'This Idempotency-Key was used with another body.', {
          hint: 'Take a fresh key for a new request.',
          field: 'idempotency-key',
        });
      }
      const { status, headers, body } = first.answer;
      return c.body(JSON.stringify(body), status as ContentfulStatusCode, { ...headers, 'idempotency-replayed': 'true' });
    }
    try {
      const tap = new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, to) => {
          hash.update(chunk);
          to.enqueue(chunk);
        },
      });
      const body = c.req.raw.body?.pipeThrough(tap);
      if (body) c.req.raw = new Request(c.req.raw, { method: 'POST', body, duplex: 'half' });
      await next();
      if (!c.res.ok) return dropKey(context, of);
      const headers = KEPT_HEADERS.flatMap((name) => {
        const value = c.res.headers.get(name);
        return value === null ? [] : [[name, value]];
      });
      const answer = { status: c.res.status, headers: Object.fromEntries(headers), body: await c.res.clone().json() };
      keepAnswer(context, of, hash.digest('hex'), answer);
    } catch (error) {
      dropKey(context, of);
      throw error;
    }
  };
};
