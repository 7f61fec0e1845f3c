import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Network, Tensor } from '../../core/network/types.ts';
import { buildBackbone, torchNaming } from '../../backbones/index.ts';
import { inferShapes, inputShapesOf, layerOf } from '../../core/network/index.ts';
import { networkHash } from '../network.ts';
import { bytesOf, checkpoint, dict, floats, many, op, orderedDict, tensor, u8 } from './pytorch.fixture.ts';
import { file, read, zip } from './testing.ts';
import { readModel } from './index.ts';
import { readPyTorch } from './pytorch.ts';
import { writeSafetensors } from './safetensors.ts';

const tensorsIn = async (pickle: Buffer, data: Record<string, Uint8Array>): Promise<Record<string, Tensor>> =>
  Object.fromEntries(await readPyTorch(file(await checkpoint(pickle, data)), 'it.pt'));

/** Weights with PyTorch's names and layouts, the inverse of what the import does, for kernels and vectors. */
function asTorch({ nodes, weights }: Network): Map<string, Tensor> {
  const shapes = inferShapes(nodes);
  return new Map(
    nodes.flatMap((node) =>
      layerOf(node.kind)
        .weights(node, inputShapesOf(node, shapes))
        .map(({ name, shape }) => {
          const { sides, steps, storedShape } = torchNaming.layoutOf(node.kind, shape, undefined);
          const ours = weights.get(`${node.id}/${name}`)?.data ?? new Float32Array();
          const data = new Float32Array(ours.length);
          for (let i = 0; i < ours.length; i++) {
            let rest = i;
            let to = 0;
            for (let axis = sides.length - 1; axis >= 0; axis--) {
              to += (rest % sides[axis]) * steps[axis];
              rest = Math.floor(rest / sides[axis]);
            }
            data[to] = ours[i];
          }
          return [torchNaming.nameOf(node, name), { shape: storedShape, data }] as const;
        }),
    ),
  );
}

describe('state dicts', () => {
  it('hold tensors that share storages, lie in any order and are of any type', async () => {
    const pickle = dict({
      row: tensor({ key: '0', offset: 3, shape: [3] }),
      turned: tensor({ key: '0', shape: [3, 2], strides: [1, 3] }),
      scalar: tensor({ key: '1', type: 'LongStorage', shape: [] }),
      half: tensor({ key: '2', type: 'HalfStorage', shape: [2] }),
    });
    const found = await tensorsIn(pickle, {
      0: floats(1, 2, 3, 4, 5, 6),
      1: new Uint8Array(BigInt64Array.of(7n).buffer),
      2: new Uint8Array(Uint16Array.of(0x3c00, 0xc000).buffer),
    });
    expect(found.row).toEqual({ shape: [3], data: Float32Array.of(4, 5, 6) });
    expect(found.turned).toEqual({ shape: [3, 2], data: Float32Array.of(1, 4, 2, 5, 3, 6) });
    expect(found.scalar).toEqual({ shape: [], data: Float32Array.of(7) });
    expect(found.half.data).toEqual(Float32Array.of(1, -2));
  });

  it('are found within a checkpoint, with attributes and numbers beside them', async () => {
    const state = Buffer.concat([
      dict({ w: tensor({ key: '0', shape: [1] }) }),
      op.emptyDict,
      op.text('_metadata'),
      orderedDict,
      op.setItem,
      op.build,
    ]);
    const found = await tensorsIn(dict({ epoch: op.int(3), state_dict: state }), { 0: floats(1) });
    expect(found).toEqual({ w: { shape: [1], data: Float32Array.of(1) } });
  });

  it('become a network whose architecture is guessed and said, under a wrapper’s names', async () => {
    const network = buildBackbone('cifar-resnet20', { classes: 7, seed: 3 });
    const tensors = [...asTorch(network)];
    const pickle = dict(
      Object.fromEntries(tensors.map(([name, { shape }], i) => [`module.model.${name}`, tensor({ key: `${i}`, shape })])),
    );
    const data = Object.fromEntries(tensors.map(([, { data }], i) => [`${i}`, bytesOf(data)]));
    const { network: back, format } = await readModel(file(await checkpoint(pickle, data)), { fileName: 'mine.pt' });
    expect(format).toBe('pytorch');
    expect(networkHash(back)).toBe(networkHash(network));
    expect(back.metadata).toMatchObject({ name: 'mine', architecture: 'cifar-resnet20' });
    expect(back.metadata.assumptions).toEqual([
      expect.stringContaining('those of cifar-resnet20'),
      expect.stringContaining('how images are prepared'),
    ]);
  });
});

it('guesses the architecture of safetensors, lists what is missing and surplus', async () => {
  const tensors = asTorch(buildBackbone('squeezenet-small', { classes: 3, seed: 1 }));
  expect((await read(writeSafetensors(tensors, {}))).metadata.architecture).toBe('squeezenet-small');
  const one: Tensor = { shape: [1], data: new Float32Array(1) };
  const [first] = tensors.keys();
  tensors.delete(first);
  tensors.set('extra', one);
  await expect(read(writeSafetensors(tensors, {}))).rejects.toMatchObject({
    code: 'unknown-architecture',
    hint: expect.stringContaining('squeezenet-small'),
  });
  await expect(read(writeSafetensors(tensors, {}), 'squeezenet-small')).rejects.toMatchObject({
    code: 'shape-mismatch',
    message: expect.stringMatching(new RegExp(`lacks ${first}; it has extra`)),
  });
});

describe('pickles that are refused', () => {
  const one = { 0: floats(1, 2) };
  const refusals: [string, Buffer, string, RegExp][] = [
    ['an import', Buffer.concat([op.global('os', 'system'), many(op.text('true')), op.call]), 'unsupported-format', /"os\.system"/],
    ['a class beside the weights', dict({ args: op.global('argparse', 'Namespace') }), 'unsupported-format', /"argparse\.Namespace"/],
    ['an instruction that builds objects', Buffer.concat([op.emptyTuple, u8(0x81)]), 'unsupported-format', /0x81/],
    ['no weights', dict({ epoch: op.int(1) }), 'unsupported-format', /no weights/],
    ['values beyond the storage', dict({ w: tensor({ key: '0', offset: 1, shape: [2] }) }), 'malformed-file', /"w" goes beyond/],
    ['a storage that is not there', dict({ w: tensor({ key: '9', shape: [1] }) }), 'malformed-file', /"w" are missing/],
    [
      'a bomb of repeated values',
      dict({ w: tensor({ key: '0', shape: [2 ** 30, 2 ** 30], strides: [0, 0] }) }),
      'limit-exceeded',
      /unpacks to more/,
    ],
    ['an early end', op.mark.subarray(0, 0), 'malformed-file', /takes what is not there/],
  ];
  it.each(refusals)('%s', async (_what, pickle, code, message) => {
    await expect(tensorsIn(pickle, one)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('survives damage anywhere', async () => {
    const sound = await checkpoint(dict({ w: tensor({ key: '0', shape: [2] }) }), one);
    for (let part = 0; part < 16; part++) {
      await expect(read(sound.subarray(0, (sound.length * part) / 16))).rejects.toMatchObject({ name: 'Failure' });
    }
    const pickle = Buffer.concat([op.start, dict({ w: tensor({ key: '0', shape: [2] }) }), op.stop]);
    for (let at = 0; at < pickle.length; at++) {
      for (const flip of [1, 0x80, 0xff]) {
        const damaged = Buffer.from(pickle);
        damaged[at] ^= flip;
        expect(crc32(damaged)).not.toBe(crc32(pickle));
        await readPyTorch(file(await zip({ 'it/data.pkl': damaged, 'it/data/0': floats(1, 2) })), 'it.pt').catch((error: unknown) =>
          expect(error).toMatchObject({ name: 'Failure' }),
        );
      }
    }
  });
});
