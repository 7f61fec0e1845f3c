import { deflateRawSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { soundFiles } from '../../../scripts/fuzz/formats.ts';
import { buildBackbone, namedWeights, torchNaming } from '../../backbones/index.ts';
import { conv, dense, flatten, input, norm, withRandomWeights } from '../../core/network/testing.ts';
import { checkpoint, op, u32 } from './pytorch.fixture.ts';
import { writeSafetensors } from './safetensors.ts';
import { read } from './testing.ts';

// The list of bad input that an importer must survive, sentence by sentence; each other format has more in its own tests.

const network = withRandomWeights([input([4, 4, 3]), conv('c', 'input', 4), norm('n', 'c'), flatten('f', 'n'), dense('d', 'f', 2)]);
let files: readonly (readonly [string, Uint8Array])[] = [];
beforeAll(async () => {
  files = await soundFiles(network);
});

/** Reading ends in a Network or a Failure, never in another error. */
async function survives(bytes: Uint8Array, what: string): Promise<'read' | 'refused'> {
  try {
    await read(bytes);
    return 'read';
  } catch (error) {
    expect(error, what).toMatchObject({ name: 'Failure' });
    return 'refused';
  }
}

describe('every format', () => {
  it('is refused where it is cut off at any sixteenth, and where it is empty', async () => {
    expect(files.length).toBeGreaterThan(10);
    for (const [format, bytes] of files) {
      for (let part = 1; part < 16; part++) {
        expect(await survives(bytes.subarray(0, (bytes.length * part) / 16), `${format} at ${part}/16`), `${format} at ${part}/16`).toBe(
          'refused',
        );
      }
    }
    await expect(read(new Uint8Array())).rejects.toMatchObject({ code: 'malformed-file', message: expect.stringContaining('empty') });
  }, 60_000);

  it('survives a flipped bit in each byte of its header', async () => {
    for (const [format, bytes] of files) {
      for (let at = 0; at < 20; at++) {
        const damaged = Uint8Array.from(bytes);
        damaged[at] ^= 1 << (at % 8);
        await survives(damaged, `${format}, byte ${at}`);
      }
    }
  }, 60_000);
});

describe('safetensors', () => {
  /** A file with this header over so many bytes of values. */
  function withHeader(header: object, bytes: number): Buffer {
    const text = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    return Buffer.concat([length, text, Buffer.alloc(bytes)]);
  }
  const f32 = (shape: number[], from: number, to: number) => ({ dtype: 'F32', shape, data_offsets: [from, to] });

  it.each([
    ['overlap', { a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12, /"b" begins at byte 4/],
    ['leave a gap', { a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12, /"b" begins at byte 8/],
    ['go beyond the file', { a: f32([4], 0, 16) }, 8, /"a" ends at byte 16 of 8/],
    ['run backwards', { a: f32([1], 4, 0) }, 4, /"a"/],
    ['do not fit the shape', { a: f32([3], 0, 8) }, 8, /"a" of shape \[3\]/],
  ])('is refused where offsets %s', async (_what, header, bytes, message) => {
    await expect(read(withHeader(header, bytes))).rejects.toMatchObject({
      code: 'malformed-file',
      message: expect.stringMatching(message),
    });
  });

  it('is refused where a shape multiplies past 2^53', async () => {
    const huge = withHeader({ a: f32([2 ** 30, 2 ** 30, 2 ** 30], 0, 8) }, 8);
    await expect(read(huge)).rejects.toMatchObject({ code: 'malformed-file', message: expect.stringContaining('"a"') });
  });

  it('lists the names that are missing and surplus', async () => {
    const backbone = buildBackbone('squeezenet-small', { classes: 2, seed: 1 });
    const tensors = namedWeights(backbone, torchNaming).filter(([name]) => !/^features\.[03]\./.test(name));
    const one = { shape: [1], data: new Float32Array(1) };
    const bytes = writeSafetensors([...tensors, ['strange.one', one], ['strange.two', one]], {});
    await expect(read(bytes, 'squeezenet-small')).rejects.toMatchObject({
      code: 'shape-mismatch',
      message: expect.stringMatching(/lacks features\.0\.weight, .*has strange\.one, strange\.two/),
    });
  });
});

describe('archives and pickles', () => {
  /** A zip of one entry that is far larger than it is packed. */
  function bomb(name: string, bytes: number): Buffer {
    const packed = deflateRawSync(Buffer.alloc(bytes));
    const entry = (head: number[], more: Buffer): Buffer =>
      Buffer.concat([Buffer.from(head), Buffer.alloc(8), u32(packed.length), u32(bytes), Buffer.from([name.length, 0, 0, 0]), more]);
    const local = Buffer.concat([entry([0x50, 0x4b, 3, 4, 20, 0, 0, 0, 8, 0], Buffer.from(name)), packed]);
    const central = entry([0x50, 0x4b, 1, 2, 20, 0, 20, 0, 0, 0, 8, 0], Buffer.concat([Buffer.alloc(14), Buffer.from(name)]));
    const end = Buffer.concat([
      Buffer.from([0x50, 0x4b, 5, 6, 0, 0, 0, 0, 1, 0, 1, 0]),
      u32(central.length),
      u32(local.length),
      Buffer.alloc(2),
    ]);
    return Buffer.concat([local, central, end]);
  }

  it.each(['model.json', 'a/data.pkl', 'model.onnx'])('refuse a bomb as %s', async (name) => {
    await expect(read(bomb(name, 200 * 2 ** 20))).rejects.toMatchObject({ code: 'limit-exceeded' });
  });

  it.each([
    ['posix', 'system'],
    ['builtins', 'eval'],
    ['os', 'popen'],
    ['torch.nn.modules.linear', 'Linear'],
    ['numpy.core.multiarray', '_reconstruct'],
  ])('refuse a pickle that imports %s.%s', async (module, name) => {
    const pickle = Buffer.concat([op.global(module, name), op.mark, op.text('echo'), op.tuple, op.call]);
    await expect(read(await checkpoint(pickle, {}))).rejects.toMatchObject({
      code: 'unsupported-format',
      message: expect.stringContaining(`${module}.${name}`),
    });
  });
});
