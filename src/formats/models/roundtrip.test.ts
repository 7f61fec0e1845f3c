import * as fc from 'fast-check';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import type { Network } from '../../core/network/types.ts';
import { Failure } from '../../core/failure.ts';
import { referenceForward, sizeOf } from '../../core/network/index.ts';
import { randomNetworks } from '../../core/prune/random-network.fixture.ts';
import { createRandom } from '../../core/random.ts';
import { encodeNetwork, networkHash } from '../network.ts';
import { writeDeepCompression, writeKeras, writeOnnx, writeSafetensorsModel, writeTfjsZip } from './index.ts';
import { networks, pruned } from './networks.fixture.ts';
import { transposed } from './onnx-layout.ts';
import { decodeOnnx, encodeOnnx } from './onnx-proto.ts';
import { read } from './testing.ts';

const RUNS = 25;

/** Formats that keep every bit of the weights. */
const exact: Readonly<Record<string, (network: Network) => Uint8Array | Promise<Uint8Array>>> = {
  stored: encodeNetwork,
  safetensors: writeSafetensorsModel,
  tfjs: writeTfjsZip,
  keras: writeKeras,
  onnx: writeOnnx,
};

/** What a format made of the network; undefined where it refuses a layer by name. */
async function written(write: (typeof exact)[string], network: Network): Promise<Uint8Array | undefined> {
  try {
    return await write(network);
  } catch (error) {
    if (error instanceof Failure && error.code === 'unsupported-layer') return undefined;
    throw error;
  }
}

const inputOf = ({ nodes: [{ config }] }: Network): Float32Array => {
  const random = createRandom(6);
  return Float32Array.from({ length: 'shape' in config ? sizeOf(config.shape) : 0 }, () => random.normal());
};
const outputs = (network: Network): Float32Array =>
  referenceForward(network, inputOf(network)).get(network.nodes[network.nodes.length - 1].id) ?? new Float32Array();

function expectNear(found: Float32Array, expected: Float32Array, tolerance: number): void {
  const scale = Math.max(1e-6, ...expected.map(Math.abs));
  expect(found.length).toBe(expected.length);
  expect(Math.max(...expected.map((value, i) => Math.abs(value - found[i]))) / scale).toBeLessThan(tolerance);
}

describe('random networks', () => {
  it.each(Object.entries(exact))(
    'come back from %s as the same network, weights and metadata',
    async (_format, write) => {
      await fc.assert(
        fc.asyncProperty(randomNetworks, async (network) => {
          const bytes = await written(write, network);
          if (bytes === undefined) return;
          const back = await read(bytes);
          expect(networkHash(back)).toBe(networkHash(network));
          expect(back.metadata).toEqual(network.metadata);
        }),
        { numRuns: RUNS, seed: 1 },
      );
    },
    60_000,
  );

  it('lose in quantised tfjs files what a step is', async () => {
    await fc.assert(
      fc.asyncProperty(
        randomNetworks,
        fc.constantFrom(['float16', 2 ** -11] as const, ['uint8', 1 / 255] as const),
        async (network, given) => {
          const [precision, step] = given;
          const bytes = await written((one) => writeTfjsZip(one, precision), network);
          if (bytes === undefined) return;
          const back = await read(bytes);
          for (const [key, { data }] of network.weights) {
            const stored = back.weights.get(key)?.data ?? new Float32Array();
            // Zero is within the range that is quantised.
            const range = Math.max(0, ...data) - Math.min(0, ...data);
            for (const [i, value] of data.entries()) expect(Math.abs(value - stored[i])).toBeLessThanOrEqual(step * range);
          }
        },
      ),
      { numRuns: RUNS, seed: 2 },
    );
  }, 60_000);

  it('lose nothing more in deep compression once they are compressed', async () => {
    await fc.assert(
      fc.asyncProperty(randomNetworks, fc.double({ min: 0, max: 0.9, noNaN: true }), async (network, sparsity) => {
        const back = await read(writeDeepCompression(network, { sparsity }).bytes);
        expect(networkHash(await read(writeDeepCompression(back, { sparsity: 0 }).bytes))).toBe(networkHash(back));
      }),
      { numRuns: RUNS, seed: 3 },
    );
  }, 60_000);

  it('compute in ONNX Runtime, and read from their operations alone, what the reference computes', async () => {
    let readAlone = 0;
    await fc.assert(
      fc.asyncProperty(randomNetworks, async (network) => {
        const bytes = await written(writeOnnx, network);
        if (bytes === undefined) return;
        const expected = outputs(network);
        const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1 });
        const [height, width, channels] = [5, 4, 3];
        const { data } = transposed({ shape: [height, width, channels], data: inputOf(network) }, [2, 0, 1]);
        const { output } = await session.run({ input: new OrtTensor('float32', data, [1, channels, height, width]) });
        expectNear(output.data as Float32Array, expected, 1e-4);
        const alone = await written((one) => encodeOnnx({ ...decodeOnnx(writeOnnx(one)), metadata: new Map() }), network);
        const back = await read(alone ?? bytes).catch((error: unknown) => {
          if (!(error instanceof Failure && error.code === 'unsupported-layer')) throw error;
        });
        if (back === undefined) return;
        readAlone++;
        expectNear(outputs(back), expected, 1e-4);
      }),
      { numRuns: RUNS, seed: 4 },
    );
    expect(readAlone).toBeGreaterThan(RUNS / 3);
  }, 60_000);
});

describe('pruned families', () => {
  it.each(['cifar-resnet20', 'squeezenet-small', 'mobilenetv2-small', 'vgg-small', 'shufflenet_v2_x0_5', 'mobilenet_v3_small'])(
    '%s comes back from every format',
    async (name) => {
      const network = pruned(networks[name]);
      for (const [format, write] of Object.entries(exact)) {
        expect(networkHash(await read(await write(network))), format).toBe(networkHash(network));
      }
    },
    60_000,
  );
});
