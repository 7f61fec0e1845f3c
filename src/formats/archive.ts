import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { openPromise, type Entry } from 'yauzl';
import { Failure } from '../core/failure.ts';
import { limits } from '../limits.ts';

/** One regular file of an archive. */
export interface ArchiveEntry {
  /** Relative path with forward slashes; never absolute, never with `..`. */
  readonly name: string;
  readonly bytes: number;
  /** Unpacks the file; only until the next entry is asked for. */
  read(): Promise<Uint8Array>;
}

export type ArchiveKind = 'zip' | 'tar' | 'tar.gz';

/** Bytes from the start of a file that tell its kind. */
const MAGIC_BYTES = 512;

/** Kind of archive by magic bytes; the extension is never asked. Any gzip counts as `tar.gz`. */
export function archiveKindOf(head: Uint8Array): ArchiveKind | undefined {
  const text = (from: number, to: number): string => Buffer.from(head.subarray(from, to)).toString('latin1');
  if (['PK\x03\x04', 'PK\x05\x06'].includes(text(0, 4))) return 'zip';
  if (head[0] === 0x1f && head[1] === 0x8b) return 'tar.gz';
  return text(257, 262) === 'ustar' ? 'tar' : undefined;
}

/** The first {@link MAGIC_BYTES} of a file, fewer where it is shorter. */
export async function readHead(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAGIC_BYTES), 0, MAGIC_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/**
 * Streams the regular files of a zip, tar or tar.gz in stored order, one in memory at a time. Archives inside are plain entries and never opened.
 *
 * @param fileName what to call the archive in messages
 * @throws Failure `unsupported-format` when it is no archive; `malformed-file` for damage, encryption, absolute or climbing names, links and
 * devices; `limit-exceeded` for too many entries, bytes or too high a ratio
 */
export async function* openArchive(path: string, fileName: string = basename(path)): AsyncGenerator<ArchiveEntry> {
  const kind = archiveKindOf(await readHead(path));
  if (!kind) {
    throw new Failure('unsupported-format', `${fileName} is no archive.`, { hint: 'Give a zip, tar or tar.gz.', field: fileName });
  }
  const guard = createGuard(fileName, (await stat(path)).size);
  try {
    for await (const entry of kind === 'zip' ? zipEntries(path, guard) : tarEntries(path, kind === 'tar.gz', guard)) {
      yield { ...entry, read: () => entry.read().catch((error: unknown) => guard.blame(error)) };
    }
  } catch (error) {
    guard.blame(error);
  }
}

type Guard = ReturnType<typeof createGuard>;

/** Counts what an archive has been made to unpack, and refuses beyond the limits. */
function createGuard(fileName: string, packedBytes: number) {
  let entries = 0;
  let unpacked = 0;
  const malformed = (what: string, cause?: unknown): Failure =>
    new Failure('malformed-file', `${fileName} ${what}.`, {
      hint: 'Pack plain files with relative names again, and upload the whole archive.',
      field: fileName,
      cause,
    });
  const exceeded = (what: string): Failure =>
    new Failure('limit-exceeded', `${fileName} ${what}.`, { hint: 'Split the archive or leave out what is not needed.', field: fileName });
  return {
    malformed,
    exceeded,
    /** Errors of the readers and of zlib are the file's; errors of the file system carry a syscall and are not. */
    blame(error: unknown): never {
      if (error instanceof Failure || (error instanceof Error && 'syscall' in error)) throw error;
      throw malformed(`is truncated or damaged: ${error instanceof Error ? error.message : String(error)}`, error);
    },
    entry(name: string, bytes: number): void {
      entries++;
      if (entries > limits.archiveEntriesMax) throw exceeded(`holds more than ${limits.archiveEntriesMax} entries`);
      if (Buffer.byteLength(name) > limits.archiveNameBytesMax) throw exceeded('holds an entry with an overlong name');
      if (bytes > limits.archiveEntryBytesMax) throw exceeded(`holds "${name}" of ${bytes} bytes, over ${limits.archiveEntryBytesMax}`);
      const climbs = name.includes('\0') || name.startsWith('/') || /^[A-Za-z]:/.test(name) || name.split('/').includes('..');
      if (climbs) throw malformed(`holds "${name}", a name outside the archive's own folder`);
    },
    unpack(bytes: number): void {
      unpacked += bytes;
      if (unpacked > limits.archiveUnpackedBytesMax) throw exceeded(`unpacks to more than ${limits.archiveUnpackedBytesMax} bytes`);
      if (unpacked > limits.archiveRatioFromBytes && unpacked > packedBytes * limits.archiveRatioMax) {
        throw exceeded(`unpacks to more than ${limits.archiveRatioMax} times its size`);
      }
    },
  };
}

/** Separators and the leading `./` that tar writes. */
function normalName(name: string): string {
  return name.replaceAll('\\', '/').replace(/^(\.\/)+/, '');
}

async function collect(stream: AsyncIterable<Uint8Array>, onChunk: (bytes: number) => void): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) {
    onChunk(chunk.length);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function* zipEntries(path: string, guard: Guard): AsyncGenerator<ArchiveEntry> {
  const zip = await openPromise(path, { autoClose: false });
  try {
    if (zip.entryCount > limits.archiveEntriesMax) throw guard.exceeded(`holds more than ${limits.archiveEntriesMax} entries`);
    for await (const entry of zip.eachEntry()) {
      const name = normalName(entry.fileName);
      guard.entry(name, entry.uncompressedSize);
      refuseSpecial(entry, guard);
      if (name.endsWith('/')) continue;
      yield {
        name,
        bytes: entry.uncompressedSize,
        read: async () => {
          // yauzl ends the stream with an error beyond the size that the entry declares, and that size was checked above.
          const bytes = await collect(await zip.openReadStreamPromise(entry), guard.unpack);
          if (crc32(bytes) !== entry.crc32) throw guard.malformed(`is damaged: the checksum of "${name}" does not fit`);
          return bytes;
        },
      };
    }
  } finally {
    zip.close();
  }
}

function refuseSpecial(entry: Entry, guard: Guard): void {
  // The upper half holds the Unix mode where the zip was made on Unix; zero elsewhere.
  const type = (entry.externalFileAttributes >>> 16) & 0xf000;
  if (type !== 0 && type !== 0x8000 && type !== 0x4000) throw guard.malformed(`holds "${entry.fileName}", a link or device`);
  if (entry.isEncrypted()) throw guard.malformed(`holds "${entry.fileName}", which is encrypted`);
}

async function* tarEntries(path: string, gzipped: boolean, guard: Guard): AsyncGenerator<ArchiveEntry> {
  const meter = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      try {
        guard.unpack(chunk.length);
        done(null, chunk);
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
  });
  const entries = extract();
  const file = createReadStream(path);
  // tar-stream types its streams as streamx; they are Node streams in all that is used here.
  const sink = entries as unknown as Writable;
  const feeding = gzipped ? pipeline(file, createGunzip(), meter, sink) : pipeline(file, meter, sink);
  // The iterator below throws what goes wrong here; this keeps it from being reported a second time as unhandled.
  feeding.catch(() => {});
  try {
    for await (const entry of entries) {
      const name = normalName(entry.header.name);
      const type = entry.header.type ?? 'file';
      const bytes = entry.header.size ?? 0;
      guard.entry(name, bytes);
      if (type !== 'file' && type !== 'contiguous-file' && type !== 'directory') throw guard.malformed(`holds "${name}", a ${type}`);
      let state: 'unread' | 'read' | 'passed' = 'unread';
      if (type !== 'directory') {
        yield {
          name,
          bytes,
          read: async () => {
            if (state !== 'unread') throw new Error(`tar entry ${name} is ${state}`);
            state = 'read';
            return collect(entry as unknown as AsyncIterable<Uint8Array>, () => {});
          },
        };
      }
      if (state === 'unread') entry.resume();
      state = 'passed';
    }
    await feeding;
  } finally {
    entries.destroy();
  }
}
