import { deflateSync } from 'node:zlib';
import { z } from 'zod';
import type { Network } from '../../core/network/types.ts';
import { Failure } from '../../core/failure.ts';
import { inferShapes, inputShapesOf, layerOf } from '../../core/network/index.ts';
import { canonicalJson } from '../topology.ts';
import { encodeSymbols, wordLengths } from './huffman.ts';
import { sharedWeights } from './weight-sharing.ts';

/*
 * The file of Deep Compression (Han, Mao & Dally 2016, 1510.00149): per-weight pruning by magnitude, weight sharing by k-means, and
 * Huffman coding of the shared weights' codes and of the jumps between the weights that are left.
 *
 *   magic, 8 bytes · bytes of the header, u32 little-endian · header, deflated JSON · the weights in the header's order
 *
 * A plain weight is its float32 values. A coded one is: its codebook, float32, of the codes 1, 2, …; word lengths of the jumps' code and
 * of the codes' code, a byte each; the jumps; the codes. A jump of j passes j positions; code 0 is a zero, which stands where a jump
 * would be too long for its bits ("filler zero").
 */
export const MAGIC = Buffer.from('ESPDC\r\n\x01', 'latin1');
export const START = MAGIC.length + 4;

export interface DeepCompressionOptions {
  /** Share of each kernel's weights that are dropped, the smallest magnitudes first. */
  readonly sparsity?: number;
  /** Bits of a shared weight's code and of a jump; the paper's 8 for convolutions and 5 for dense layers where not given. */
  readonly bits?: { readonly conv: number; readonly dense: number };
}

/** Where the bytes of the file are; they add up to it. */
export interface DeepCompressionSizes {
  readonly header: number;
  /** Shared weights. */
  readonly codebooks: number;
  /** Word lengths of the Huffman codes. */
  readonly tables: number;
  /** Positions of the weights that are left. */
  readonly indices: number;
  /** Which shared weight each of them is. */
  readonly codes: number;
  /** Weights as they are: biases, normalisation, and kernels that coding would not make smaller. */
  readonly plain: number;
}

/** Without training after it: CIFAR's ResNet-20 and 56 lose 0.1 points or nothing at a fifth, a point or two at a third. */
const DEFAULT_SPARSITY = 0.2;
const DEFAULT_BITS = { conv: 8, dense: 5 } as const;
const BITS_MAX = 8;

/** How one coded weight is stored. */
export const coded = z.strictObject({
  /** Weights that are left, with the filler zeros. */
  entries: z.int().min(0),
  centres: z.int().min(0).max(255),
  /** Symbols of the jumps' code. */
  jumps: z.int().min(0).max(256),
  indexBytes: z.int().min(0),
  codeBytes: z.int().min(0),
});
export type Coded = z.infer<typeof coded>;

/**
 * Compresses a network. Its kernels lose weights and precision, so its outputs change; read the bytes back to measure by how much.
 *
 * @throws Failure `invalid-request` for a sparsity outside of [0, 1) or bits outside of 1 to 8
 */
export function writeDeepCompression(
  network: Network,
  { sparsity = DEFAULT_SPARSITY, bits = DEFAULT_BITS }: DeepCompressionOptions = {},
): { bytes: Uint8Array; sizes: DeepCompressionSizes } {
  if (!(sparsity >= 0 && sparsity < 1)) throw invalid('sparsity', 'a share from 0 up to but not including 1');
  if (![bits.conv, bits.dense].every((count) => Number.isInteger(count) && count >= 1 && count <= BITS_MAX)) {
    throw invalid('bits', `a whole number from 1 to ${BITS_MAX} for each kind of layer`);
  }
  const { nodes, metadata } = network;
  const shapes = inferShapes(network);
  const weights: [string, Coded | null][] = [];
  const parts: Uint8Array[] = [];
  const sizes = { header: START, codebooks: 0, tables: 0, indices: 0, codes: 0, plain: 0 };
  for (const node of nodes) {
    const layer = layerOf(node.kind);
    for (const { name, decay } of layer.weights(node, inputShapesOf(node, shapes))) {
      const key = `${node.id}/${name}`;
      const values = network.weights.get(key)?.data ?? new Float32Array();
      const packed = decay ? codedWeights(values, sparsity, layer.convolution ? bits.conv : bits.dense) : undefined;
      if (packed === undefined || packed.bytes >= values.byteLength) {
        weights.push([key, null]);
        parts.push(bytesOf(values));
        sizes.plain += values.byteLength;
        continue;
      }
      weights.push([key, packed.entry]);
      for (const [part, chunk] of packed.chunks) {
        parts.push(chunk);
        sizes[part] += chunk.length;
      }
    }
  }
  const text = deflateSync(canonicalJson({ nodes, metadata, weights }), { level: 9 });
  sizes.header += text.length;
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return { bytes: Buffer.concat([MAGIC, length, text, ...parts]), sizes };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);

type Part = Exclude<keyof DeepCompressionSizes, 'header' | 'plain'>;

function codedWeights(values: Float32Array, sparsity: number, bits: number) {
  const { left, jumps, isFiller } = sparse(values, sparsity, 2 ** bits);
  const { codebook, codes: shared } = sharedWeights(left, 2 ** bits - 1);
  let next = 0;
  const codes = isFiller.map((filler) => (filler === 1 ? 0 : shared[next++] + 1));
  const jumpLengths = wordLengths(countsOf(jumps, jumps.reduce((most, jump) => Math.max(most, jump), -1) + 1));
  const codeLengths = wordLengths(countsOf(codes, codebook.length + 1));
  const chunks: [Part, Uint8Array][] = [
    ['codebooks', bytesOf(codebook)],
    ['tables', jumpLengths],
    ['tables', codeLengths],
    ['indices', encodeSymbols(jumps, jumpLengths)],
    ['codes', encodeSymbols(codes, codeLengths)],
  ];
  const entry: Coded = {
    entries: jumps.length,
    centres: codebook.length,
    jumps: jumpLengths.length,
    indexBytes: chunks[3][1].length,
    codeBytes: chunks[4][1].length,
  };
  return { entry, chunks, bytes: chunks.reduce((sum, [, chunk]) => sum + chunk.length, 0) };
}

/** The weights that are left, and how many positions each of them and each filler passes, less than `span`. */
function sparse(values: Float32Array, sparsity: number, span: number) {
  const magnitudes = values.map(Math.abs).sort();
  const least = magnitudes[Math.floor(sparsity * values.length)] ?? 0;
  const left = new Float32Array(values.length);
  const jumps = new Uint8Array(values.length);
  const isFiller = new Uint8Array(values.length);
  let [entries, kept, passed] = [0, 0, 0];
  for (const value of values) {
    const stays = value !== 0 && Math.abs(value) >= least;
    if (!stays && passed < span - 1) {
      passed++;
      continue;
    }
    isFiller[entries] = stays ? 0 : 1;
    jumps[entries++] = passed;
    if (stays) left[kept++] = value;
    passed = 0;
  }
  return { left: left.subarray(0, kept), jumps: jumps.subarray(0, entries), isFiller: isFiller.subarray(0, entries) };
}

function countsOf(symbols: Uint8Array, size: number): Uint32Array {
  const counts = new Uint32Array(size);
  for (const symbol of symbols) counts[symbol]++;
  return counts;
}

function invalid(field: string, due: string): Failure {
  return new Failure('invalid-request', `${field} is not ${due}.`, { hint: `Give ${due}.`, field });
}
