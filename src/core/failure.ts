/** Every failure that a caller can cause or must handle; anything else that is thrown is a defect. */
export const failureCodes = [
  'invalid-request',
  'forbidden',
  'not-found',
  'not-acceptable',
  'conflict',
  'idempotency-mismatch',
  'unsupported-format',
  'malformed-file',
  'limit-exceeded',
  'download-failed',
  'unsupported-layer',
  'unknown-architecture',
  'unknown-criterion',
  'shape-mismatch',
  'non-finite-weights',
  'unusable-dataset',
  'target-unreachable',
  'engine-unavailable',
  'data-directory-busy',
  'out-of-memory',
  'cancelled',
  'internal',
] as const;
export type FailureCode = (typeof failureCodes)[number];

/**
 * An expected failure: one sentence of what is wrong, one of what to do, and the field, file or layer that it is about.
 * It crosses the job's process boundary and the HTTP boundary unchanged (as an RFC 9457 problem there).
 */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: FailureCode;
  /** What the user can do about it. */
  readonly hint: string | undefined;
  /** Request field (dotted path), file name or layer id. */
  readonly field: string | undefined;

  constructor(code: FailureCode, message: string, about: { hint?: string; field?: string; cause?: unknown } = {}) {
    super(message, { cause: about.cause });
    this.code = code;
    this.hint = about.hint;
    this.field = about.field;
  }
}
