import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Network } from '../core/network/types.ts';
import { buildBackbone } from '../backbones/index.ts';
import { fromHalf, toHalf } from './models/half.ts';
import { parseSafetensors, writeSafetensors } from './models/safetensors.ts';
import { decodeNetwork, encodeNetwork, networkHash, openNetwork } from './network.ts';

const network = buildBackbone('cifar-resnet20', { classNames: ['cat', 'dog'], seed: 1 });

/** A file with the given header over so many bytes of data. */
function withHeader(header: unknown, dataBytes = 0): Uint8Array {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(dataBytes)]);
}

describe('a stored network', () => {
  it('comes back equal, from the same bytes', () => {
    const bytes = encodeNetwork(network);
    const back = decodeNetwork(bytes);
    expect(back).toEqual(network);
    expect(networkHash(back)).toBe(networkHash(network));
    expect(Buffer.compare(bytes, encodeNetwork(back))).toBe(0);
  });

  it('opens from its file, which is read again only for weights that are asked for', () => {
    const folder = mkdtempSync(join(tmpdir(), 'espalier-network-'));
    const path = join(folder, 'network');
    writeFileSync(path, encodeNetwork(network));
    const opened = openNetwork(path);
    expect(networkHash(opened)).toBe(networkHash(network));
    const untouched = openNetwork(path);
    rmSync(folder, { recursive: true });
    expect(networkHash(opened)).toBe(networkHash(network));
    expect(untouched.nodes).toEqual(network.nodes);
    expect(() => networkHash(untouched)).toThrow('ENOENT');
  });

  it('has bytes and hash that do not depend on the order of weights and fields', () => {
    const shuffled: Network = {
      nodes: network.nodes.map(({ inputs, config, kind, id }) => ({ inputs, config, kind, id }) as (typeof network.nodes)[number]),
      metadata: { ...network.metadata },
      weights: new Map([...network.weights].reverse()),
    };
    expect(Buffer.compare(encodeNetwork(shuffled), encodeNetwork(network))).toBe(0);
  });

  it('has a hash over topology and weights, not over names', () => {
    const hash = networkHash(network);
    const [[key, tensor]] = network.weights;
    const changed = tensor.data.with(3, 0.5);
    expect(networkHash({ ...network, metadata: { ...network.metadata, name: 'other' } })).toBe(hash);
    expect(networkHash({ ...network, weights: new Map([...network.weights, [key, { ...tensor, data: changed }]]) })).not.toBe(hash);
    expect(networkHash({ ...network, nodes: network.nodes.slice(0, -1) })).not.toBe(hash);
  });

  it('halves its kernels and keeps its vectors with float16', () => {
    const bytes = encodeNetwork(network, { precision: 'float16' });
    expect(bytes.length / encodeNetwork(network).length).toBeLessThan(0.56);
    const back = decodeNetwork(bytes);
    for (const [key, { shape, data }] of network.weights) {
      const stored = back.weights.get(key)?.data ?? new Float32Array();
      if (shape.length === 1) expect(stored).toEqual(data);
      else expect(data.every((value, i) => Math.abs(stored[i] - value) <= Math.abs(value) * 2 ** -11 + 2 ** -25)).toBe(true);
    }
  });

  it('is refused by field when the topology is not sound', () => {
    const stored = (change: (json: { nodes: { kind: string; config: Record<string, unknown> }[] }) => void): Uint8Array => {
      const { tensors, metadata } = parseSafetensors(encodeNetwork(network), 'it');
      const json = JSON.parse(metadata['espalier.network']) as Parameters<typeof change>[0];
      change(json);
      return writeSafetensors(tensors, { 'espalier.network': JSON.stringify(json) });
    };
    const failing = (change: Parameters<typeof stored>[0]) => () => decodeNetwork(stored(change));
    expect(failing(() => {})).not.toThrow();
    expect(failing((json) => (json.nodes[1].kind = 'constructor'))).toThrow(expect.objectContaining({ code: 'unsupported-layer' }));
    expect(failing((json) => (json.nodes[1].config.filters = -1))).toThrow(/nodes.1.config.filters/);
    expect(failing((json) => (json.nodes[1].config.filters = 17))).toThrow(expect.objectContaining({ code: 'shape-mismatch' }));
    expect(failing((json) => (json.nodes = []))).toThrow(expect.objectContaining({ code: 'malformed-file' }));
  });
});

describe('safetensors', () => {
  it('widens or narrows every number type', () => {
    const floats = new Float64Array([1.5, -2]);
    const types: [string, ArrayBufferView][] = [
      ['F64', floats],
      ['F16', toHalf(Float32Array.from(floats))],
      ['BF16', new Uint16Array([0x3fc0, 0xc000])],
      ['I64', new BigInt64Array([7n, -9n])],
      ['I8', new Int8Array([7, -9])],
      ['U8', new Uint8Array([7, 200])],
    ];
    for (const [dtype, view] of types) {
      const data = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
      const file = Buffer.concat([withHeader({ t: { dtype, shape: [2], data_offsets: [0, data.length] } }), data]);
      const expected = { F: [1.5, -2], B: [1.5, -2], I: [7, -9], U: [7, 200] }[dtype[0]];
      expect([...(parseSafetensors(file, 'it').tensors.get('t')?.data ?? [])], dtype).toEqual(expected);
    }
    const eight = withHeader({ t: { dtype: 'F8_E4M3', shape: [1], data_offsets: [0, 1] } }, 1);
    expect(() => parseSafetensors(eight, 'it')).toThrow(
      expect.objectContaining({ code: 'unsupported-format', message: expect.stringContaining('F8_E4M3') }),
    );
  });

  it('refuses headers and offsets that lie', () => {
    const f32 = (shape: unknown, begin: unknown, end: unknown) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });
    const bad: [unknown, number][] = [
      ['{', 0],
      ['[]', 0],
      ['{"a":null}', 0],
      [{ a: { dtype: 'F32' } }, 0],
      [{ a: f32([2], 0, 4) }, 4],
      [{ a: f32([1], 0, 4) }, 3],
      [{ a: f32([1], 0, 4) }, 8],
      [{ a: f32([1], 4, 8) }, 8],
      [{ a: f32([1], 0, 4), b: f32([1], 0, 4) }, 4],
      [{ a: f32([1], -4, 0) }, 4],
      [{ a: f32([2 ** 30, 2 ** 30], 0, 4) }, 4],
      [{ a: f32([0.5], 0, 2) }, 2],
      [{ a: f32('1', 0, 4) }, 4],
      [{ __metadata__: { a: 1 } }, 0],
    ];
    for (const [header, dataBytes] of bad) {
      expect(() => parseSafetensors(withHeader(header, dataBytes), 'it'), JSON.stringify(header)).toThrow(
        expect.objectContaining({ code: 'malformed-file' }),
      );
    }
    const whole = encodeNetwork(network);
    for (let part = 0; part < 16; part++) {
      expect(() => decodeNetwork(whole.subarray(0, (whole.length * part) / 16))).toThrow(
        expect.objectContaining({ code: 'malformed-file' }),
      );
    }
  });
});

describe('binary16', () => {
  it('comes back from every bit pattern', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((bits) => (bits & 0x7c00) !== 0x7c00 || (bits & 0x3ff) === 0);
    expect(toHalf(fromHalf(all))).toEqual(all);
  });

  it('rounds to the nearest, ties to even', () => {
    fc.assert(
      fc.property(fc.float({ min: -65500, max: 65500, noNaN: true }), (value) => {
        const bits = toHalf(Float32Array.of(value))[0];
        const [below, rounded, above] = fromHalf(Uint16Array.of(Math.max((bits & 0x7fff) - 1, 0), bits & 0x7fff, (bits & 0x7fff) + 1));
        const error = Math.abs(rounded - Math.abs(value));
        const others = [below, above].filter((other) => other !== rounded).map((other) => Math.abs(other - Math.abs(value)));
        return others.every((other) => error < other || (error === other && bits % 2 === 0));
      }),
    );
  });
});
