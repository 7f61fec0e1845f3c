import type { Network, Node, Preprocessing, Tensor } from '../../core/network/types.ts';

/** What a model does to its input first, for each channel: value · scale + offset. */
export interface Affine {
  readonly scale: readonly number[];
  readonly offset: readonly number[];
}

/** The second after the first; one number counts for all channels. Undefined where their numbers of channels differ. */
export function composed(first: Affine | undefined, { scale, offset }: Affine): Affine | undefined {
  if (first === undefined) return { scale, offset };
  const channels = Math.max(first.scale.length, scale.length);
  if (![first, { scale, offset }].every((one) => [1, channels].includes(one.scale.length))) return undefined;
  const at = (values: readonly number[], c: number): number => values[values.length === 1 ? 0 : c];
  const each = Array.from({ length: channels }, (_, c) => c);
  return {
    scale: each.map((c) => at(first.scale, c) * at(scale, c)),
    offset: each.map((c) => at(first.offset, c) * at(scale, c) + at(offset, c)),
  };
}

/** Whether it can be said as mean and deviation of images. */
export const isPreparation = ({ scale, offset }: Affine): boolean =>
  [1, 3].includes(scale.length) && scale.every((value) => value > 0) && offset.every(Number.isFinite);

/** Pixels are 0…255 unless the model's own scale is too large for them; then it expects 0…1. */
const SCALE_OF_BYTES_MAX = 1 / 16;

const triple = (values: readonly number[]): readonly [number, number, number] => [
  values[0],
  values[1] ?? values[0],
  values[2] ?? values[0],
];

/** What a model's own first steps mean for images, and the assumption that this makes. */
export function preparation(first: Affine): { preprocessing: Preprocessing; assumption: string } {
  const { scale, offset } = first;
  const isOfBytes = Math.max(...scale) <= SCALE_OF_BYTES_MAX;
  const range = isOfBytes ? '0…255' : '0…1';
  const resize = 'shorter-side-centre-crop';
  const isUniform = scale.every((value) => value === scale[0]) && isOfBytes;
  const preprocessing: Preprocessing = isUniform
    ? { scale: scale[0], mean: triple(offset.map((value) => 0 - value)), std: [1, 1, 1], resize }
    : {
        scale: 1 / 255,
        mean: triple(offset.map((value, c) => (0 - value) / scale[c] / (isOfBytes ? 255 : 1))),
        std: triple(scale.map((value) => 1 / value / (isOfBytes ? 255 : 1))),
        resize,
      };
  return { preprocessing, assumption: `The model scales its input itself; pixels of ${range} are taken for what it expects.` };
}

/** Luma of ITU-R BT.601, which is what image libraries make of colours. Its weights sum to one, so that grey stays what it is. */
const LUMA = [0.299, 0.587, 0.114];

/**
 * A network of one-channel images as one of RGB images: first convolutions see the luma of the three channels, so that grey images,
 * whose channel is repeated, give the same outputs.
 */
export function withColour(network: Pick<Network, 'nodes' | 'weights'>): Pick<Network, 'nodes' | 'weights'> {
  const [input, ...others] = network.nodes;
  if (input.kind !== 'Input' || input.config.shape[2] !== 1) return network;
  const [height, width] = input.config.shape;
  const entrance: Node = { ...input, config: { shape: [height, width, 3] } };
  const readers = others.filter(({ inputs }) => inputs.includes(input.id));
  const weights = new Map(network.weights);
  if (readers.every(({ kind }) => kind === 'Conv2D')) {
    for (const { id } of readers) {
      const kernel = weights.get(`${id}/kernel`);
      if (kernel) weights.set(`${id}/kernel`, colourKernel(kernel));
    }
    return { nodes: [entrance, ...others], weights };
  }
  const id = `${input.id}.grey`;
  const place = { kernelSize: [1, 1], strides: [1, 1], padding: 'valid', dilationRate: [1, 1], groups: 1, useBias: false } as const;
  const grey: Node = { id, kind: 'Conv2D', config: { ...place, filters: 1 }, inputs: [input.id] };
  weights.set(`${id}/kernel`, { shape: [1, 1, 3, 1], data: Float32Array.from(LUMA) });
  const rewired = others.map((node) => ({ ...node, inputs: node.inputs.map((from) => (from === input.id ? id : from)) }));
  return { nodes: [entrance, grey, ...rewired], weights };
}

/** (height, width, 3, out) from (height, width, 1, out). */
function colourKernel({ shape: [height, width, , filters], data }: Tensor): Tensor {
  const coloured = Float32Array.from({ length: data.length * 3 }, (_, i) => {
    const [position, c] = [Math.floor(i / (3 * filters)), Math.floor(i / filters) % 3];
    return data[position * filters + (i % filters)] * LUMA[c];
  });
  return { shape: [height, width, 3, filters], data: coloured };
}
