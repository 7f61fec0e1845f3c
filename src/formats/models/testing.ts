import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import type { Network } from '../../core/network/types.ts';
import { readModel } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'espalier-read-'));
let files = 0;

/** Writes a temporary file. */
export function file(bytes: string | Uint8Array): string {
  const path = join(folder, `file${files++}`);
  writeFileSync(path, bytes);
  return path;
}

export async function zip(entries: Record<string, string | Uint8Array>): Promise<Buffer> {
  const packer = new ZipFile();
  for (const [name, bytes] of Object.entries(entries)) packer.addBuffer(Buffer.from(bytes), name);
  packer.end();
  return buffer(packer.outputStream as unknown as AsyncIterable<Uint8Array>);
}

/** Reads bytes as a model that the user calls it.bin. */
export async function read(bytes: string | Uint8Array, architecture?: string): Promise<Network> {
  return (await readModel(file(bytes), { fileName: 'it.bin', architecture })).network;
}

/** Names of the weights that two networks do not share to the bit; quicker than comparing values one by one. */
export function differing(a: Network, b: Network): readonly string[] {
  const bytesOf = ({ weights }: Network, key: string): Buffer => {
    const { buffer: all, byteOffset, byteLength } = weights.get(key)?.data ?? new Float32Array();
    return Buffer.from(all, byteOffset, byteLength);
  };
  const keys = [...new Set([...a.weights.keys(), ...b.weights.keys()])];
  return keys.filter((key) => !bytesOf(a, key).equals(bytesOf(b, key)));
}
