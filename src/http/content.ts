import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { Context } from 'hono';
import type { Content } from '../services/exports.ts';

interface Range {
  readonly start: number;
  /** Inclusive. */
  readonly end: number;
}

/** RFC 9110 §14: undefined where the header is to be ignored (several ranges, other units), null where it cannot be satisfied. */
export function parseRange(header: string, size: number): Range | null | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header.trim()) ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? null : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return undefined;
  return start >= size ? null : { start, end };
}

/** Says that the answer never changes; true when the caller has the one of this tag already, and 304 is all to be sent. */
export function isKnown(c: Context, etag: string): boolean {
  c.header('etag', etag);
  c.header('cache-control', 'private, max-age=31536000, immutable');
  const known = c.req
    .header('if-none-match')
    ?.split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''));
  return known?.some((tag) => tag === etag || tag === '*') ?? false;
}

/** Sends an unchanging file: its hash is its ETag; conditional requests and one byte range are answered. */
export async function sendFile(c: Context, file: Content): Promise<Response> {
  const etag = `"${file.hash}"`;
  c.header('accept-ranges', 'bytes');
  if (isKnown(c, etag)) return c.body(null, 304);

  const handle = await open(file.path);
  const { size } = await handle.stat();
  const condition = c.req.header('if-range');
  const header = condition === undefined || condition === etag ? c.req.header('range') : undefined;
  const range = header === undefined ? undefined : parseRange(header, size);
  if (range === null || c.req.method === 'HEAD') await handle.close();
  if (range === null) return c.body(null, 416, { 'content-range': `bytes */${size}` });

  const { start, end } = range ?? { start: 0, end: size - 1 };
  c.header('content-type', file.mediaType);
  c.header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(file.fileName)}`);
  c.header('content-length', String(end - start + 1));
  if (range) c.header('content-range', `bytes ${start}-${end}/${size}`);
  const status = range ? 206 : 200;
  if (c.req.method === 'HEAD') return c.body(null, status);
  return c.body(Readable.toWeb(handle.createReadStream({ start, end })) as ReadableStream, status);
}
