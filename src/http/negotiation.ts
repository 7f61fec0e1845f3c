import { parseAccept } from 'hono/utils/accept';
import type { Context } from 'hono';
import { Failure } from '../core/failure.ts';

/**
 * The media type, of those that there are, that the request's Accept header likes best; the first one where it does not mind
 * (RFC 9110 §12.5.1). Fails with `not-acceptable`.
 */
export function preferredType<T extends string>(c: Context, types: readonly [T, ...T[]]): T {
  const header = c.req.header('accept');
  if (header === undefined || header.trim() === '') return types[0];
  const wanted = parseAccept(header).filter(({ q }) => q > 0);
  for (const { type } of wanted.toSorted((a, b) => b.q - a.q)) {
    const found = types.find((one) => type === one || type === '*/*' || type === `${one.split('/')[0]}/*`);
    if (found !== undefined) return found;
  }
  throw new Failure('not-acceptable', `There is no ${header} of this.`, { hint: `Accept ${types.join(' or ')}.`, field: 'accept' });
}
