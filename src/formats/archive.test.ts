import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buffer } from 'node:stream/consumers';
import { pack, type Header } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { ZipFile } from 'yazl';
import { Failure, type FailureCode } from '../core/failure.ts';
import { openArchive } from './archive.ts';

const folder = mkdtempSync(join(tmpdir(), 'espalier-archive-'));
let files = 0;

function file(bytes: Uint8Array): string {
  const path = join(folder, `file${files++}`);
  writeFileSync(path, bytes);
  return path;
}

async function tar(entries: readonly (Partial<Header> & { name: string; text?: string })[]): Promise<Buffer> {
  const packer = pack();
  for (const { text = '', ...header } of entries) packer.entry(header, text);
  packer.finalize();
  return buffer(packer as unknown as AsyncIterable<Uint8Array>);
}

async function zip(entries: Record<string, string | Buffer>, mode = 0o100644): Promise<Buffer> {
  const packer = new ZipFile();
  for (const [name, text] of Object.entries(entries)) packer.addBuffer(Buffer.from(text), name, { mode });
  packer.end();
  return buffer(packer.outputStream as unknown as AsyncIterable<Uint8Array>);
}

async function list(path: string, unread: readonly string[] = []): Promise<Record<string, string | number>> {
  const found: Record<string, string | number> = {};
  for await (const entry of openArchive(path, 'it')) {
    found[entry.name] = unread.includes(entry.name) ? entry.bytes : Buffer.from(await entry.read()).toString();
  }
  return found;
}

async function failureOf(path: string): Promise<{ code: FailureCode; message: string }> {
  try {
    await list(path);
  } catch (error) {
    if (error instanceof Failure) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('it was read');
}

const long = 'x'.repeat(200_000);

describe('openArchive', () => {
  it('reads zip, tar and tar.gz alike, also when entries are skipped', async () => {
    const entries = { 'a.txt': 'first', 'd/long.txt': long, 'd/z.txt': 'last' };
    const tarred = await tar(Object.entries(entries).map(([name, text]) => ({ name: `./${name}`, text })));
    const all = [await zip(entries), tarred, gzipSync(tarred)];
    for (const bytes of all) {
      expect(await list(file(bytes))).toEqual(entries);
      expect(await list(file(bytes), ['d/long.txt'])).toEqual({ ...entries, 'd/long.txt': 200_000 });
    }
  });

  it('lets the caller stop early', async () => {
    for (const bytes of [
      await zip({ a: '1', b: long }),
      await tar([
        { name: 'a', text: '1' },
        { name: 'b', text: long },
      ]),
    ]) {
      for await (const entry of openArchive(file(bytes))) {
        expect(entry.name).toBe('a');
        break;
      }
    }
  });

  it('refuses names that leave the folder, links and devices', async () => {
    const named = async (name: string): Promise<Buffer> => {
      const bytes = await zip({ aaaaaaaaa: 'x' });
      return Buffer.from(bytes.toString('latin1').replaceAll('aaaaaaaaa', name), 'latin1');
    };
    for (const name of ['../evil/a', 'a/../../b', '/absolute', 'C:/windo.s']) {
      expect(await failureOf(file(await named(name.padEnd(9, 'x'))))).toMatchObject({ code: 'malformed-file' });
      expect(await failureOf(file(await tar([{ name, text: 'x' }])))).toMatchObject({ code: 'malformed-file', message: /outside/ });
    }
    for (const type of ['symlink', 'link', 'character-device', 'fifo'] as const) {
      const failure = await failureOf(file(await tar([{ name: 'inside', type, linkname: '/etc/passwd' }])));
      expect(failure).toMatchObject({ code: 'malformed-file', message: new RegExp(`"inside", a ${type}`) });
    }
    expect(await failureOf(file(await zip({ inside: '/etc/passwd' }, 0o120777)))).toMatchObject({
      code: 'malformed-file',
      message: /link/,
    });
  });

  it('stops bombs by ratio while they unpack', async () => {
    const zeros = Buffer.alloc(80 * 1024 * 1024);
    const packer = pack();
    packer.entry({ name: 'zeros' }, zeros);
    packer.finalize();
    const bomb = gzipSync(await buffer(packer as unknown as AsyncIterable<Uint8Array>));
    for (const bytes of [bomb, await zip({ zeros })]) {
      expect(await failureOf(file(bytes))).toMatchObject({ code: 'limit-exceeded', message: /times its size/ });
    }
  });

  it('refuses what is no archive, empty, truncated or damaged', async () => {
    expect(await failureOf(file(Buffer.from('hello')))).toMatchObject({ code: 'unsupported-format' });
    expect(await failureOf(file(Buffer.alloc(0)))).toMatchObject({ code: 'unsupported-format' });
    expect(await failureOf(file(gzipSync('not a tar')))).toMatchObject({ code: 'malformed-file' });
    const text = Buffer.from(Array.from({ length: 5000 }, (_, i) => i * 7919).join(' ')).toString();
    const tarred = await tar([{ name: 'a', text }]);
    for (const bytes of [await zip({ a: text }), gzipSync(tarred), tarred.subarray(0, -1024)]) {
      for (let part = 1; part < 16; part++) {
        const cut = file(bytes.subarray(0, Math.floor((bytes.length * part) / 16)));
        expect(await failureOf(cut), `${part}/16`).toMatchObject({ code: /malformed-file|unsupported-format/ });
      }
    }
    const damaged = await zip({ a: text });
    const middle = damaged.length >> 1;
    damaged[middle] ^= 0xff;
    expect(await failureOf(file(damaged))).toMatchObject({ code: 'malformed-file' });
  });
});
