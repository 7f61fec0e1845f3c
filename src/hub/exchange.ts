import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { Failure } from '../core/failure.ts';
import { limits } from '../limits.ts';
import { admit, guardedLookup } from './guard.ts';
import { type Patience, persistently, Transient } from './retry.ts';

/** How requests leave this machine. */
export interface Wire extends Patience {
  /** The hub's endpoint, for requests to it; it may lie on a private network, because the operator named it. */
  readonly home?: URL;
  /** Sent to home alone, never where home redirects to. */
  readonly token?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Headers of home's own answer, which told where the file lies. */
  readonly homeHeaders: http.IncomingHttpHeaders;
  readonly body: IncomingMessage;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const BUSY: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);
/** Nothing that waiting mends: no such name, a certificate that does not hold. */
const LASTING = /^(ENOTFOUND|ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

/** What a failure of the connection means: a Failure as it is, else a {@link Transient} or `download-failed`. */
export function connectionFailure(error: unknown, url: URL, signal: AbortSignal): unknown {
  if (error instanceof Failure || signal.aborted) return error;
  // A connection that ends in mid-body is called "aborted", with this code.
  const why = codeOf(error) === 'ECONNRESET' ? 'the connection broke' : error instanceof Error ? error.message : String(error);
  if (!LASTING.test(codeOf(error))) return new Transient(`${url.host}: ${why}`, { cause: error });
  return new Failure('download-failed', `${url.host} cannot be reached: ${why}.`, {
    hint: 'Check the address, and that this machine reaches it.',
    field: 'source',
    cause: error,
  });
}

function send(url: URL, headers: http.OutgoingHttpHeaders, { home, signal }: Wire): Promise<IncomingMessage> {
  const { request } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const options = {
      headers: { 'user-agent': 'espalier', 'accept-encoding': 'identity', ...headers },
      lookup: guardedLookup(url, home),
      signal,
      // A connection that another request has opened was checked for that request only.
      agent: false,
      timeout: limits.downloadIdleMs,
    };
    const sent = request(url, options, resolve);
    sent.on('timeout', () => sent.destroy(new Error(`no byte for ${limits.downloadIdleMs / 1000} s`)));
    sent.on('error', (error) => reject(connectionFailure(error, url, signal)));
    sent.end();
  });
}

/** Seconds or a date (RFC 9110 §10.2.3), in milliseconds from now. */
function retryAfterMs(header: string | undefined): number {
  if (header === undefined) return 0;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

/**
 * One GET, redirects followed and each of them checked. Answers of any status but those of a busy server come back; the body is the
 * caller's to read or destroy.
 * @throws Transient; Failure `forbidden`, `download-failed`
 */
export async function exchange(from: URL, headers: http.OutgoingHttpHeaders, wire: Wire): Promise<Answer> {
  let url = from;
  let homeHeaders: http.IncomingHttpHeaders = {};
  for (let hops = 0; hops <= limits.redirectsMax; hops++) {
    admit(url, wire.home);
    const atHome = url.origin === wire.home?.origin;
    const authorization = atHome && wire.token !== undefined ? { authorization: `Bearer ${wire.token}` } : {};
    const body = await send(url, { ...headers, ...authorization }, wire);
    const status = body.statusCode ?? 0;
    if (atHome) homeHeaders = body.headers;
    const { location } = body.headers;
    if (!REDIRECTS.has(status) || location === undefined) {
      if (!BUSY.has(status)) return { status, headers: body.headers, homeHeaders, body };
      body.destroy();
      throw new Transient(`${url.host} answered ${status}`, { waitMs: retryAfterMs(body.headers['retry-after']) });
    }
    body.destroy();
    if (!URL.canParse(location, url.href)) throw unusable(url, `redirects to "${location.slice(0, 200)}", which is no address`);
    url = new URL(location, url);
  }
  throw unusable(from, `redirects more than ${limits.redirectsMax} times`);
}

const unusable = (url: URL, what: string): Failure =>
  new Failure('download-failed', `${url.host} ${what}.`, { hint: 'Give the address of the file itself.', field: 'source' });

/** The body's bytes as they come; a connection that breaks is {@link Transient}. */
export async function* bytesOf(body: IncomingMessage, url: URL, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) yield chunk as Uint8Array;
  } catch (error) {
    throw connectionFailure(error, url, signal);
  }
}

/**
 * A small document, read whole.
 * @throws what {@link exchange} throws; `limit-exceeded`; what `refusal` makes of a status other than 200
 */
export function fetchDocument(url: URL, wire: Wire, refusal: (answer: Answer) => Failure): Promise<Uint8Array> {
  return persistently(async () => {
    const answer = await exchange(url, {}, wire);
    try {
      if (answer.status !== 200) throw refusal(answer);
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of bytesOf(answer.body, url, wire.signal)) {
        bytes += chunk.length;
        if (bytes > limits.hubDocumentBytesMax) {
          throw new Failure('limit-exceeded', `${url.href} is larger than ${limits.hubDocumentBytesMax} bytes.`, { field: 'source' });
        }
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    } finally {
      answer.body.destroy();
    }
  }, wire);
}
