import type { Context, ErrorHandler, NotFoundHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { Logger } from 'pino';
import { Failure } from '../core/failure.ts';
import type { FailureCode } from '../core/failure.ts';
import type { Problem } from '../schema/common.ts';
import { problem } from '../schema/common.ts';

/** The one map from a failure's code to what HTTP says. */
const answers = {
  'invalid-request': { status: 400, title: 'The request is not valid' },
  'unknown-architecture': { status: 400, title: 'The architecture is not known' },
  'unknown-criterion': { status: 400, title: 'The pruning criterion is not known' },
  forbidden: { status: 403, title: 'Not allowed' },
  'not-found': { status: 404, title: 'Not found' },
  'not-acceptable': { status: 406, title: 'No such representation' },
  conflict: { status: 409, title: 'Conflict with the present state' },
  cancelled: { status: 409, title: 'Cancelled' },
  'limit-exceeded': { status: 413, title: 'A limit is exceeded' },
  'unsupported-format': { status: 415, title: 'The file format is not supported' },
  'idempotency-mismatch': { status: 422, title: 'The idempotency key belongs to another request' },
  'malformed-file': { status: 422, title: 'The file is malformed' },
  'unsupported-layer': { status: 422, title: 'The model has a layer that is not supported' },
  'shape-mismatch': { status: 422, title: 'Shapes do not fit' },
  'non-finite-weights': { status: 422, title: 'The model has weights that are not finite' },
  'unusable-dataset': { status: 422, title: 'The dataset cannot be used' },
  'target-unreachable': { status: 422, title: 'The target cannot be reached' },
  internal: { status: 500, title: 'Internal error' },
  'download-failed': { status: 502, title: 'The file could not be downloaded' },
  'engine-unavailable': { status: 503, title: 'The engine is not available' },
  'data-directory-busy': { status: 503, title: 'The data directory is in use' },
  'out-of-memory': { status: 507, title: 'Not enough memory' },
} as const satisfies Record<FailureCode, { status: number; title: string }>;

type ProblemStatus = (typeof answers)[FailureCode]['status'];

/** Route documentation of the problems that it answers with: one response for each status. */
export const problems = <S extends ProblemStatus>(...statuses: S[]) => {
  const response = { description: 'Problem', content: { 'application/problem+json': { schema: problem } } };
  return Object.fromEntries(statuses.map((status) => [status, response])) as { [K in S]: typeof response };
};

export const problemOf = (failure: Failure, requestId: string): Problem => ({
  type: `urn:espalier:problem:${failure.code}`,
  title: answers[failure.code].title,
  status: answers[failure.code].status,
  code: failure.code,
  detail: failure.message,
  hint: failure.hint,
  field: failure.field,
  requestId,
});

const send = (c: Context, failure: Failure): Response => {
  const body = problemOf(failure, c.get('requestId'));
  return c.body(JSON.stringify(body), answers[failure.code].status, { 'content-type': 'application/problem+json' });
};

/** What the framework itself refuses: a body that cannot be parsed or has another content type. */
const ofException = (c: Context, { status, message }: HTTPException): Failure =>
  status === 415
    ? new Failure('unsupported-format', `The body has content-type ${c.req.header('content-type') ?? 'none'}; this request takes JSON.`, {
        hint: 'Send it with content-type application/json.',
      })
    : new Failure('invalid-request', `The body cannot be read: ${message || status}.`, { hint: 'Send sound JSON.' });

/** Node's word for a caller who went away while the body was coming; nobody reads the answer, and it is no defect. */
const isGone = (error: Error): boolean => 'code' in error && error.code === 'ECONNRESET' && error.message === 'aborted';

/** Expected failures become problems; anything else is a defect: a generic 500 for the caller, the details in the log. */
export const onError =
  (log: Logger): ErrorHandler =>
  (error, c) => {
    if (error instanceof Failure && error.code !== 'internal') return send(c, error);
    if (error instanceof HTTPException) return send(c, ofException(c, error));
    if (isGone(error))
      return send(c, new Failure('cancelled', 'The connection ended before the whole body had come.', { hint: 'Send it again.' }));
    log.error({ err: error, requestId: c.get('requestId'), method: c.req.method, path: c.req.path }, 'request failed');
    const hint = 'Try again; if it happens again, tell the operator the request id.';
    return send(c, new Failure('internal', 'Something went wrong here that is not the fault of the request.', { hint }));
  };

export const onNotFound: NotFoundHandler = (c) =>
  send(c, new Failure('not-found', `There is no ${c.req.method} ${c.req.path} here.`, { hint: 'GET /openapi.json lists every route.' }));
