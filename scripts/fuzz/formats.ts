import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Network } from '../../src/core/network/types.ts';
import { conv, dense, flatten, input, norm, relu, withRandomWeights } from '../../src/core/network/testing.ts';
import { Failure } from '../../src/core/failure.ts';
import { createRandom, type Random } from '../../src/core/random.ts';
import { graphModelOf } from '../../src/formats/models/graph-model.fixture.ts';
import {
  readModel,
  writeDeepCompression,
  writeKeras,
  writeOnnx,
  writeSafetensorsModel,
  writeTfjsZip,
} from '../../src/formats/models/index.ts';
import { namedWeights, torchNaming } from '../../src/backbones/index.ts';
import { kerasH5Of } from '../../src/formats/models/keras-h5.fixture.ts';
import { decodeOnnx, encodeOnnx } from '../../src/formats/models/onnx-proto.ts';
import { stateDictFile } from '../../src/formats/models/pytorch.fixture.ts';
import { writeSafetensors } from '../../src/formats/models/safetensors.ts';
import { zip } from '../../src/formats/models/testing.ts';
import { encodeNetwork } from '../../src/formats/network.ts';

/** Far above what a file of a few kilobytes can need. */
const READ_SECONDS_MAX = 20;
const MEMORY_BYTES_MAX = 2e9;
const EDITS_MAX = 8;

/** A copy with bytes flipped, replaced, cut off or repeated; headers are hit more often than weights. */
function damaged(sound: Uint8Array, random: Random): Uint8Array {
  const bytes = Uint8Array.from(sound);
  const place = (): number => random.integer(random.next() < 0.7 ? Math.min(1024, bytes.length) : bytes.length);
  const edits = 1 + random.integer(EDITS_MAX);
  for (let i = 0; i < edits; i++) bytes[place()] = random.next() < 0.5 ? random.integer(256) : [0, 0x7f, 0x80, 0xff][random.integer(4)];
  return random.next() < 0.2 ? bytes.subarray(0, random.integer(bytes.length)) : bytes;
}

/** The network in every format, those that hold weights alone too. */
export async function soundFiles(network: Network): Promise<readonly (readonly [format: string, bytes: Uint8Array])[]> {
  const { model, weights } = graphModelOf(network);
  const named = new Map(namedWeights(network, torchNaming));
  return [
    ['tfjs', await writeTfjsZip(network)],
    ['tfjs graph', await zip({ 'model.json': JSON.stringify(model), 'group1-shard1of1.bin': weights })],
    ['onnx', writeOnnx(network)],
    ['onnx of others', encodeOnnx({ ...decodeOnnx(writeOnnx(network)), metadata: new Map() })],
    ['keras', await writeKeras(network)],
    ['keras h5', await kerasH5Of(network)],
    ['keras h5, weights alone', await kerasH5Of(network, { topology: false })],
    ['pytorch', await stateDictFile(named)],
    ['safetensors', encodeNetwork(network)],
    ['safetensors for others', writeSafetensorsModel(network)],
    ['safetensors, weights alone', writeSafetensors(named, {})],
    ['deep compression', writeDeepCompression(network, { bits: { conv: 3, dense: 3 } }).bytes],
  ];
}

/**
 * Reads damaged model files of every format for so long.
 * @throws Error naming format and seed for a defect: anything but a Network or a Failure, in bounded time and memory
 */
export async function fuzzFormats({ seconds, seed }: { seconds: number; seed: number }): Promise<{ reads: number; refused: number }> {
  const network = withRandomWeights([
    input([4, 4, 3]),
    conv('c', 'input', 4),
    norm('n', 'c'),
    relu('r', 'n'),
    flatten('f', 'r'),
    dense('d', 'f', 2),
  ]);
  const files = await soundFiles(network);
  const random = createRandom(seed);
  const folder = await mkdtemp(join(tmpdir(), 'espalier-fuzz-'));
  const path = join(folder, 'model');
  const end = performance.now() + seconds * 1000;
  let [reads, refused] = [0, 0];
  try {
    while (performance.now() < end) {
      const [format, sound] = files[reads % files.length];
      await writeFile(path, damaged(sound, random));
      const start = process.cpuUsage();
      try {
        await readModel(path, { fileName: format });
      } catch (error) {
        if (!(error instanceof Failure)) throw new Error(`${format}, read ${reads} of seed ${seed}: ${String(error)}`, { cause: error });
        refused++;
      }
      // Of the processor, so that other work on the machine does not count.
      const { user, system } = process.cpuUsage(start);
      const took = (user + system) / 1e6;
      const memory = process.memoryUsage.rss();
      if (took > READ_SECONDS_MAX || memory > MEMORY_BYTES_MAX) {
        throw new Error(`${format}, read ${reads} of seed ${seed}: ${took.toFixed(1)} s, ${(memory / 1e6).toFixed(0)} MB`);
      }
      reads++;
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  return { reads, refused };
}
