import { setTimeout as sleep } from 'node:timers/promises';
import type { Context, MiddlewareHandler } from 'hono';
import { limits } from '../limits.ts';

/** Reads and forgets what is left of the request's body; whether that was all of it. */
async function drain(c: Context): Promise<boolean> {
  const rest = c.req.raw.body;
  if (!rest) return true;
  if (rest.locked) return false;
  let bytes = 0;
  for await (const chunk of rest.values({ preventCancel: true })) {
    bytes += chunk.length;
    if (bytes > limits.drainBytesMax) return false;
  }
  return true;
}

/**
 * A client that is still sending when it is refused may lose the answer with the connection, so what it sends is taken in first.
 * Where that is too much or too slow, the connection ends with the answer.
 */
export const drained: MiddlewareHandler = async (c, next) => {
  await next();
  if (c.res.status < 400) return;
  const whole = await Promise.race([drain(c), sleep(limits.drainWaitMs, false, { ref: false })]);
  if (!whole) c.header('connection', 'close');
};
