import { inflateSync } from 'node:zlib';
import { z } from 'zod';
import type { Network, Node, Shape, Tensor } from '../../core/network/types.ts';
import { Failure } from '../../core/failure.ts';
import { inferShapes, inputShapesOf, layerOf, sizeOf, validateNetwork } from '../../core/network/index.ts';
import { limits } from '../../limits.ts';
import { parseTopology } from '../topology.ts';
import { coded, MAGIC, START, type Coded } from './deep-compression.ts';
import { decodeSymbols } from './huffman.ts';
import { numberTypes } from './number-types.ts';

const header = z.object({ nodes: z.unknown(), metadata: z.unknown(), weights: z.array(z.tuple([z.string(), coded.nullable()])) });

export function looksLikeDeepCompression(head: Uint8Array): boolean {
  return MAGIC.equals(head.subarray(0, MAGIC.length));
}

/**
 * Reads {@link writeDeepCompression}'s file.
 *
 * @throws Failure `malformed-file` naming the weight; `limit-exceeded` for one that unpacks to more than a model may have; what
 * validateNetwork finds
 */
export function readDeepCompression(bytes: Uint8Array, fileName: string): Network {
  if (bytes.length < START) throw malformed(fileName, 'it ends within its header');
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = START + view.readUInt32LE(MAGIC.length);
  const { nodes, metadata, weights: stored } = parsedHeader(bytes.subarray(START, end), fileName);
  const sizes = declaredSizes(nodes);
  const total = [...sizes.values()].reduce((sum, { size }) => sum + size * Float32Array.BYTES_PER_ELEMENT, 0);
  if (!(total <= limits.modelBytesMax && (total <= limits.archiveRatioFromBytes || total <= bytes.length * limits.archiveRatioMax))) {
    throw new Failure('limit-exceeded', `${fileName} unpacks to ${total} bytes, more than a file of its size may.`, {
      hint: 'Give a smaller model.',
      field: fileName,
    });
  }
  const weights = new Map<string, Tensor>();
  let at = end;
  const take = (count: number, key: string): Uint8Array => {
    at += count;
    if (at > bytes.length) throw malformed(fileName, `weight "${key}" is cut off`);
    return bytes.subarray(at - count, at);
  };
  for (const [key, entry] of stored) {
    const declared = sizes.get(key);
    if (declared === undefined || weights.has(key)) throw malformed(fileName, `weight "${key}" belongs to no layer`);
    const data =
      entry === null ? numberTypes.F32.decode(take(4 * declared.size, key)) : decoded(entry, declared.size, (count) => take(count, key));
    if (data === undefined) throw malformed(fileName, `weight "${key}" is not coded soundly`);
    weights.set(key, { shape: declared.shape, data });
  }
  if (at !== bytes.length) throw malformed(fileName, `${bytes.length - at} bytes belong to no weight`);
  const network: Network = { nodes, metadata, weights };
  validateNetwork(network);
  return network;
}

function parsedHeader(packed: Uint8Array, fileName: string) {
  let json: unknown;
  try {
    json = JSON.parse(inflateSync(packed, { maxOutputLength: limits.modelHeaderBytesMax }).toString('utf8'));
  } catch {
    throw malformed(fileName, 'its header cannot be read');
  }
  const result = header.safeParse(json);
  if (!result.success) throw malformed(fileName, `its header is not that of such a file (${result.error.issues[0].path.join('.')})`);
  const { nodes, metadata, weights } = result.data;
  return { ...parseTopology({ nodes, metadata }, fileName), weights };
}

function declaredSizes(nodes: readonly Node[]): ReadonlyMap<string, { readonly shape: Shape; readonly size: number }> {
  const shapes = inferShapes(nodes);
  return new Map(
    nodes.flatMap((node) =>
      layerOf(node.kind)
        .weights(node, inputShapesOf(node, shapes))
        .map(({ name, shape }) => [`${node.id}/${name}`, { shape, size: sizeOf(shape) }] as const),
    ),
  );
}

/** The values of a coded weight; undefined where its parts contradict each other. */
function decoded(
  { entries, centres, jumps, indexBytes, codeBytes }: Coded,
  size: number,
  take: (count: number) => Uint8Array,
): Float32Array | undefined {
  const codebook = numberTypes.F32.decode(take(4 * centres));
  const [jumpLengths, codeLengths] = [take(jumps), take(centres + 1)];
  const [indices, codes] = [take(indexBytes), take(codeBytes)];
  // Every entry has a position of its own.
  if (entries > size) return undefined;
  const passed = decodeSymbols(indices, jumpLengths, entries);
  const places = decodeSymbols(codes, codeLengths, entries);
  if (passed === undefined || places === undefined) return undefined;
  const data = new Float32Array(size);
  let at = -1;
  for (let i = 0; i < entries; i++) {
    at += passed[i] + 1;
    if (at >= size) return undefined;
    if (places[i] > 0) data[at] = codebook[places[i] - 1];
  }
  return data;
}

function malformed(fileName: string, what: string): Failure {
  return new Failure('malformed-file', `${fileName} is no sound deep-compression file: ${what}.`, {
    hint: 'Export or download the file again.',
    field: fileName,
  });
}
