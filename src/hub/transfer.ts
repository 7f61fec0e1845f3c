import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { OnProgress } from '../core/progress.ts';
import { Failure } from '../core/failure.ts';
import { type Answer, bytesOf, exchange, type Wire } from './exchange.ts';
import { persistently, Transient } from './retry.ts';

/** The two files of one download, whole or begun: the bytes, and what is known of them. */
export const BODY = 'body';
export const ABOUT = 'about.json';

const aboutSchema = z.object({
  url: z.string(),
  etag: z.string().nullable(),
  /** Of the whole file; null where the server does not say. */
  bytes: z.number().nullable(),
  /** Set when the file is whole. */
  sha256: z.string().nullable(),
});
type About = z.infer<typeof aboutSchema>;

export interface Wanted {
  readonly url: URL;
  /** What the user calls it, for messages and progress. */
  readonly fileName: string;
  readonly bytesMax: number;
  /** The address names one content for ever, so that a whole file needs no question. */
  readonly immutable: boolean;
  /** What a status other than success means. */
  readonly refusal: (answer: Answer) => Failure;
  readonly onProgress: OnProgress;
}

export interface Downloaded {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

const SHA256 = /^"?([0-9a-f]{64})"?$/;

/** Bytes there are already. */
const lengthOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

/** The validator for If-Range: a weak tag promises no equal bytes (RFC 9110 §13.1.5). */
const strong = (etag: string | null): string | undefined => (etag === null || etag.startsWith('W/') ? undefined : etag);

const count = (header: string | string[] | undefined): number | null =>
  typeof header === 'string' && /^\d+$/.test(header) ? Number(header) : null;

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/**
 * Brings a file into `folder`, going on from what an earlier call has left there: a whole file is asked about by its tag, a begun
 * one is continued by range where the server's tag still holds.
 * @throws Failure `limit-exceeded`, `download-failed` (also where the bytes are not those that the hub names), what `refusal` makes,
 * and what {@link exchange} throws
 */
export async function transfer(folder: string, wanted: Wanted, wire: Wire): Promise<Downloaded> {
  const { url, fileName, bytesMax, immutable, refusal, onProgress } = wanted;
  const path = join(folder, BODY);
  let have = await lengthOf(path);
  let about = await readAbout(folder, url, have);
  if (!about) have = 0;

  const keep = async (now: About | undefined): Promise<void> => {
    about = now;
    await (now ? writeFile(join(folder, ABOUT), JSON.stringify(now)) : rm(join(folder, ABOUT), { force: true }));
  };

  const conditions = (): Record<string, string> => {
    if (!about) return {};
    if (about.sha256 !== null) return about.etag === null ? {} : { 'if-none-match': about.etag };
    const etag = strong(about.etag);
    return have > 0 && etag !== undefined ? { range: `bytes=${have}-`, 'if-range': etag } : {};
  };

  /** Takes the answer's bytes from where they begin. */
  const receive = async ({ status, headers, homeHeaders, body }: Answer): Promise<string | null> => {
    const begin = status === 206 ? Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1] ?? -1) : 0;
    const left = count(headers['content-length']);
    const bytes = left === null ? count(homeHeaders['x-linked-size']) : begin + left;
    if (status === 206 && (begin !== have || headers.etag !== about?.etag)) {
      await keep(undefined);
      throw new Transient(`${url.host} sent another part than was asked for`);
    }
    have = begin;
    await keep({ url: url.href, etag: headers.etag ?? null, bytes, sha256: null });
    if ((bytes ?? 0) > bytesMax) throw tooLarge(fileName, bytesMax);
    const file = await open(path, begin === 0 ? 'w' : 'a', 0o600);
    const pace = paced(fileName, have, bytes, onProgress);
    try {
      for await (const chunk of bytesOf(body, url, wire.signal)) {
        if (have + chunk.length > bytesMax) throw tooLarge(fileName, bytesMax);
        await file.writeFile(chunk);
        have += chunk.length;
        pace(have);
      }
    } finally {
      await file.close();
    }
    if (bytes !== null && have < bytes) throw new Transient(`${url.host} broke off after ${have} of ${bytes} bytes`);
    return SHA256.exec(String(homeHeaders['x-linked-etag'] ?? ''))?.[1] ?? null;
  };

  const attempt = async (): Promise<Downloaded> => {
    if (about?.sha256 && immutable) return { path, bytes: have, sha256: about.sha256 };
    const answer = await exchange(url, conditions(), wire);
    try {
      if (answer.status === 304 && about?.sha256) return { path, bytes: have, sha256: about.sha256 };
      if (answer.status === 416) {
        await keep(undefined);
        have = 0;
        throw new Transient(`${url.host} has no more of ${fileName}`);
      }
      if (answer.status !== 200 && answer.status !== 206) throw refusal(answer);
      const due = await receive(answer);
      const sha256 = await hashOf(path);
      if (due !== null && due !== sha256) {
        await keep(undefined);
        throw new Failure('download-failed', `${fileName} arrived with SHA-256 ${sha256}, where ${url.host} names ${due}.`, {
          hint: 'Try again; if it happens again, the file or the way to it is damaged.',
          field: 'source',
        });
      }
      if (about) await keep({ ...about, bytes: have, sha256 });
      return { path, bytes: have, sha256 };
    } catch (error) {
      // What is too large will not be asked for again.
      if (error instanceof Failure && error.code === 'limit-exceeded') await keep(undefined);
      throw error;
    } finally {
      answer.body.destroy();
    }
  };

  return persistently(attempt, wire, () => have);
}

/** Undefined where it is of another address, or where the two files do not belong together after a crash. */
async function readAbout(folder: string, url: URL, have: number): Promise<About | undefined> {
  const text = await readFile(join(folder, ABOUT), 'utf8').catch(() => '{}');
  const { data } = z.string().transform(asJson).pipe(aboutSchema).safeParse(text);
  const holds = data !== undefined && data.url === url.href && (data.sha256 === null ? have > 0 : have === data.bytes);
  return holds ? data : undefined;
}

/** Undefined for a file that a crash cut off. */
function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const tooLarge = (fileName: string, bytesMax: number): Failure =>
  new Failure('limit-exceeded', `${fileName} is larger than ${bytesMax} bytes.`, { hint: 'Choose a smaller model.', field: 'source' });

/** Reports bytes, their rate since `from` and the time that the rest takes at it. */
function paced(fileName: string, from: number, total: number | null, onProgress: OnProgress): (have: number) => void {
  const started = performance.now();
  return (have) => {
    const perSecond = (have - from) / Math.max((performance.now() - started) / 1000, 1e-3);
    onProgress({
      phase: `download ${fileName}`,
      done: have,
      total: total ?? have,
      ...(total !== null && { secondsLeft: (total - have) / perSecond }),
      metrics: { MB: have / 1e6, 'MB/s': perSecond / 1e6 },
    });
  };
}
