import { deflateSync, inflateSync } from 'node:zlib';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Network } from '../../core/network/types.ts';
import { costOf, logitsNode, referenceForward } from '../../core/network/index.ts';
import { conv, dense, flatten, input, norm, relu, withRandomWeights } from '../../core/network/testing.ts';
import { createRandom } from '../../core/random.ts';
import { readZoo } from '../zoo.ts';
import { networkHash } from '../network.ts';
import { writeDeepCompression } from './deep-compression.ts';
import { decodeSymbols, encodeSymbols, wordLengths, WORD_BITS_MAX } from './huffman.ts';
import { networks } from './networks.fixture.ts';
import { read } from './testing.ts';
import { sharedWeights } from './weight-sharing.ts';

describe('Huffman codes', () => {
  it('are those of the textbook: counts 45, 13, 12, 16, 9, 5 (Cormen, §16.3)', () => {
    expect([...wordLengths(Uint32Array.of(45, 13, 12, 16, 9, 5))]).toEqual([1, 3, 3, 3, 4, 4]);
    // a = 0, then 100, 101, 110 in the order of the symbols, 1110 and 1111.
    expect([...encodeSymbols(Uint8Array.of(0, 1, 5), Uint8Array.of(1, 3, 3, 3, 4, 4))]).toEqual([0b01001111]);
  });

  it('give every sequence back, of one symbol too', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300, max: 40 }), (symbols) => {
        const counts = new Uint32Array(41);
        for (const symbol of symbols) counts[symbol]++;
        const lengths = wordLengths(counts);
        const bytes = encodeSymbols(symbols, lengths);
        expect(decodeSymbols(bytes, lengths, symbols.length)).toEqual(Uint8Array.from(symbols));
      }),
    );
  });

  it('stay under the longest word for Fibonacci counts, whose best code is as deep as it has symbols', () => {
    const counts = new Uint32Array(30);
    for (let i = 0; i < 30; i++) counts[i] = i < 2 ? 1 : counts[i - 1] + counts[i - 2];
    const lengths = wordLengths(counts);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(WORD_BITS_MAX);
    const symbols = Uint8Array.from({ length: 30 }, (_, i) => i);
    expect(decodeSymbols(encodeSymbols(symbols, lengths), lengths, 30)).toEqual(symbols);
  });

  it('are refused where they are no complete code or the bytes are too few or many', () => {
    const bytes = Uint8Array.of(0b01000000);
    expect(decodeSymbols(bytes, Uint8Array.of(1, 1), 8)).toEqual(Uint8Array.of(0, 1, 0, 0, 0, 0, 0, 0));
    expect(decodeSymbols(bytes, Uint8Array.of(1, 1, 1), 8)).toBeUndefined();
    expect(decodeSymbols(bytes, Uint8Array.of(1, 2), 4)).toBeUndefined();
    expect(decodeSymbols(bytes, Uint8Array.of(1, 1), 9)).toBeUndefined();
    expect(decodeSymbols(bytes, Uint8Array.of(1, 200), 3)).toBeUndefined();
    expect(decodeSymbols(new Uint8Array(), Uint8Array.of(0, 0), 1)).toBeUndefined();
  });
});

describe('weight sharing', () => {
  it("gives the shared weights of the paper's figure 3", () => {
    const weights = Float32Array.of(2.09, -0.98, 1.48, 0.09, 0.05, -0.14, -1.08, 2.12, -0.91, 1.92, 0, -1.03, 1.87, 0, 1.53, 1.49);
    const { codebook, codes } = sharedWeights(weights, 4);
    expect([...codebook].map((value) => value.toFixed(2))).toEqual(['-1.00', '0.00', '1.50', '2.00']);
    expect([...codes]).toEqual([3, 0, 2, 1, 1, 1, 0, 3, 0, 3, 1, 0, 3, 1, 2, 2]);
  });

  it('makes each value its nearest shared one, and each shared one the mean of its values', () => {
    const random = createRandom(5);
    const values = Float32Array.from({ length: 500 }, () => random.normal());
    const { codebook, codes } = sharedWeights(values, 15);
    const distance = (k: number, i: number): number => Math.abs(values[i] - codebook[k]);
    for (let i = 0; i < values.length; i++) for (let k = 0; k < 15; k++) expect(distance(codes[i], i)).toBeLessThanOrEqual(distance(k, i));
    for (let k = 0; k < 15; k++) {
      const own = values.filter((_, i) => codes[i] === k);
      expect(codebook[k]).toBeCloseTo(own.reduce((sum, value) => sum + value, 0) / own.length, 5);
    }
  });
});

const network = withRandomWeights(
  [input([8, 8, 3]), conv('c', 'input', 32), norm('n', 'c'), relu('r', 'n'), flatten('f', 'r'), dense('d', 'f', 10)],
  3,
);
const kernelOf = ({ weights }: Network, key: string): Float32Array => weights.get(key)?.data ?? new Float32Array();
const outputs = (of: Network): Float32Array => {
  const random = createRandom(9);
  const pixels = Float32Array.from({ length: 8 * 8 * 3 }, () => random.normal());
  return referenceForward(of, pixels).get(of.nodes[of.nodes.length - 1].id) ?? new Float32Array();
};

describe('the deep-compression file', () => {
  it('drops the smallest weights, shares the others, and tells where its bytes are', async () => {
    const { bytes, sizes } = writeDeepCompression(network, { sparsity: 0.6, bits: { conv: 6, dense: 4 } });
    expect(Object.values(sizes).reduce((sum, size) => sum + size, 0)).toBe(bytes.length);
    const back = await read(bytes);
    expect(back.nodes).toEqual(network.nodes);
    expect(back.metadata).toEqual(network.metadata);
    for (const [key, most] of [
      ['c/kernel', 64],
      ['d/kernel', 16],
    ] as const) {
      const [before, after] = [kernelOf(network, key), kernelOf(back, key)];
      expect(after.filter((value) => value === 0).length / after.length).toBeCloseTo(0.6, 2);
      expect(new Set(after).size).toBeLessThanOrEqual(most);
      const dropped = before.filter((_, i) => after[i] === 0).map(Math.abs);
      const kept = before.filter((_, i) => after[i] !== 0).map(Math.abs);
      expect(Math.max(...dropped)).toBeLessThan(Math.min(...kept));
    }
    for (const key of ['n/gamma', 'n/moving_variance', 'd/bias']) expect(kernelOf(back, key)).toEqual(kernelOf(network, key));
    // 20,480 dense weights: 40 % of them cost 4 bits and a jump of about 2 bits at most.
    expect(sizes.codes + sizes.indices).toBeLessThan(0.4 * 21_344 * (7 / 8));
  });

  it('changes the outputs little at 8 bits without pruning, and more with', async () => {
    const exact = outputs(network);
    const worst = async (sparsity: number, bits: number): Promise<number> => {
      const back = outputs(await read(writeDeepCompression(network, { sparsity, bits: { conv: bits, dense: bits } }).bytes));
      return Math.max(...back.map((value, i) => Math.abs(value - exact[i]))) / Math.max(...exact.map(Math.abs));
    };
    const [fine, coarse, pruned] = [await worst(0, 8), await worst(0, 3), await worst(0.8, 8)];
    expect(fine).toBeLessThan(0.02);
    expect(coarse).toBeGreaterThan(fine);
    expect(pruned).toBeGreaterThan(fine);
  });

  it('loses nothing more when it is read and written again', async () => {
    for (const one of Object.values(networks)) {
      const back = await read(writeDeepCompression(one, { sparsity: 0.5 }).bytes);
      const again = await read(writeDeepCompression(back, { sparsity: 0 }).bytes);
      expect(networkHash(again)).toBe(networkHash(back));
    }
  });

  it('makes a starter backbone a fifth of its float32 size and moves its logits a little, more for more sparsity', async () => {
    const { network: backbone } = await readZoo(join(import.meta.dirname, '../../../zoo'), 'cifar-resnet20');
    const random = createRandom(1);
    const pixels = Float32Array.from({ length: 32 * 32 * 3 }, () => random.normal());
    const logits = (of: Network): Float32Array => referenceForward(of, pixels).get(logitsNode(of).id) ?? new Float32Array();
    const exact = logits(backbone);
    const changes: number[] = [];
    for (const sparsity of [0, 0.3, 0.8]) {
      const { bytes } = writeDeepCompression(backbone, { sparsity });
      if (sparsity > 0) expect(bytes.length / (4 * costOf(backbone.nodes).params)).toBeLessThan(0.24);
      const found = logits(await read(bytes));
      changes.push(Math.hypot(...found.map((value, i) => value - exact[i])) / Math.hypot(...exact));
    }
    expect(changes[0]).toBeLessThan(0.05);
    expect(changes[1]).toBeLessThan(0.3);
    expect(changes[2]).toBeGreaterThan(changes[1]);
  });

  it('spans long runs of zeros with filler zeros', async () => {
    const sparse = new Map(network.weights);
    const data = new Float32Array(2048 * 10);
    data[3] = 1;
    data[9000] = -2;
    data[20_479] = 3;
    sparse.set('d/kernel', { shape: [2048, 10], data });
    const back = await read(writeDeepCompression({ ...network, weights: sparse }, { sparsity: 0 }).bytes);
    expect(kernelOf(back, 'd/kernel')).toEqual(data);
  });

  it('refuses options that mean nothing', () => {
    expect(() => writeDeepCompression(network, { sparsity: 1 })).toThrow(expect.objectContaining({ field: 'sparsity' }));
    expect(() => writeDeepCompression(network, { bits: { conv: 9, dense: 5 } })).toThrow(expect.objectContaining({ field: 'bits' }));
  });

  /** The file with another header. */
  function withHeader(change: (header: { nodes: unknown[]; weights: [string, Record<string, number> | null][] }) => void): Buffer {
    const bytes = Buffer.from(writeDeepCompression(network, { sparsity: 0.5 }).bytes);
    const end = 12 + bytes.readUInt32LE(8);
    const header = JSON.parse(inflateSync(bytes.subarray(12, end)).toString());
    change(header);
    const packed = deflateSync(JSON.stringify(header));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(packed.length);
    return Buffer.concat([bytes.subarray(0, 8), length, packed, bytes.subarray(end)]);
  }

  it('refuses parts that contradict each other', async () => {
    await expect(read(withHeader(({ weights }) => weights.pop()))).rejects.toMatchObject({ code: 'malformed-file' });
    await expect(read(withHeader(({ weights }) => weights.push(weights[1])))).rejects.toThrow(/"n\/gamma" belongs to no layer/);
    for (const field of ['entries', 'centres', 'jumps', 'indexBytes', 'codeBytes']) {
      const changed = withHeader(({ weights }) => {
        const [, entry] = weights[0];
        if (entry) entry[field]++;
      });
      await expect(read(changed), field).rejects.toMatchObject({ code: 'malformed-file' });
    }
  });

  it('refuses to unpack to more than its size allows', async () => {
    const bomb = withHeader((header) => {
      header.nodes = [input([64, 64, 3]), flatten('f', 'input'), dense('d', 'f', 10_000)];
      header.weights = [['d/kernel', { entries: 0, centres: 0, jumps: 0, indexBytes: 0, codeBytes: 0 }]];
    });
    await expect(read(bomb)).rejects.toMatchObject({ code: 'limit-exceeded' });
  });
});
