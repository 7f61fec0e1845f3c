import type { Network } from '../../core/network/index.ts';
import { writeDeepCompression, writeKeras, writeOnnx, writeSafetensorsModel, writeTfjsZip } from '../../formats/models/index.ts';
import type { JobHandler, MadeFormat } from '../types.ts';
import { loadNetwork } from './models.ts';

interface Written {
  readonly bytes: Uint8Array;
  /** What the format could not hold, or holds less exactly. */
  readonly losses: readonly string[];
}

const whole = async (bytes: Uint8Array | Promise<Uint8Array>): Promise<Written> => ({ bytes: await bytes, losses: [] });

/** How each format is written; what it cannot hold at all it refuses with `unsupported-layer`. */
const writers: { readonly [F in MadeFormat]: (network: Network) => Promise<Written> } = {
  onnx: (network) => whole(writeOnnx(network)),
  keras: (network) => whole(writeKeras(network)),
  safetensors: (network) => whole(writeSafetensorsModel(network)),
  'tfjs-float16': async (network) => ({
    bytes: await writeTfjsZip(network, 'float16'),
    losses: ['Kernels are rounded to float16, each weight by at most 0.05 % of itself, or 3e-8.'],
  }),
  'tfjs-uint8': async (network) => ({
    bytes: await writeTfjsZip(network, 'uint8'),
    losses: ['Kernels are rounded to 256 values each, each weight by at most 0.2 % of its kernel’s range.'],
  }),
  'deep-compression': async (network) => {
    const { bytes, sizes } = writeDeepCompression(network);
    const parts = Object.entries(sizes).map(([part, count]) => `${part} ${count}`);
    return {
      bytes,
      losses: [
        'The smallest 20 % of each kernel’s weights are zero, and the others share at most 255 values in a convolution, 31 in a dense layer.',
        `Bytes by part: ${parts.join(', ')}.`,
      ],
    };
  },
};

/** Writes a registered model in another format. */
export const exportModel: JobHandler<'export-model'> = async ({ input: { model, format }, blobs, progress }) => {
  progress({ phase: `write ${format}`, done: 0, total: 1 });
  const { bytes, losses } = await writers[format](await loadNetwork(blobs, model));
  return { file: await blobs.write(bytes), losses: [...losses] };
};
