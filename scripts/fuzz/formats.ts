import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { conv, dense, flatten, input, norm, relu, withRandomWeights } from '../../src/core/network/testing.ts';
import { Failure } from '../../src/core/failure.ts';
import { createRandom, type Random } from '../../src/core/random.ts';
import { readModel, writeKeras, writeOnnx, writeTfjsZip } from '../../src/formats/models/index.ts';
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
  const files: [format: string, bytes: Uint8Array][] = [
    ['tfjs', await writeTfjsZip(network)],
    ['onnx', writeOnnx(network)],
    ['keras', await writeKeras(network)],
    ['safetensors', encodeNetwork(network)],
  ];
  const random = createRandom(seed);
  const folder = await mkdtemp(join(tmpdir(), 'espalier-fuzz-'));
  const path = join(folder, 'model');
  const end = performance.now() + seconds * 1000;
  let [reads, refused] = [0, 0];
  try {
    while (performance.now() < end) {
      const [format, sound] = files[reads % files.length];
      await writeFile(path, damaged(sound, random));
      const start = performance.now();
      try {
        await readModel(path, { fileName: format });
      } catch (error) {
        if (!(error instanceof Failure)) throw new Error(`${format}, read ${reads} of seed ${seed}: ${String(error)}`, { cause: error });
        refused++;
      }
      const took = (performance.now() - start) / 1000;
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
