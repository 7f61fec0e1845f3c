import * as fc from 'fast-check';
import { inferShapes, type ActivationName, type Network, type Node, type Shape } from '../network/index.ts';
import * as make from '../network/testing.ts';

/** One step of growth: a kind of layer and numbers that decide its details. Shrinks to fewer and plainer steps. */
const gene = fc.record({
  step: fc.constantFrom(
    ...(['conv', 'grouped', 'depthwise', 'norm', 'relu', 'pool', 'pad', 'add', 'twice', 'concat', 'map', 'softmax'] as const),
    ...(['activation', 'layer norm', 'scale', 'gate', 'excite', 'multiply', 'shuffle', 'slice'] as const),
  ),
  a: fc.nat({ max: 11 }),
  b: fc.nat({ max: 11 }),
});
type Gene = typeof gene extends fc.Arbitrary<infer T> ? T : never;

/** Random networks of every kind: each layer reads the newest one, and joins read an earlier one of the same shape beside it. */
export const randomNetworks: fc.Arbitrary<Network> = fc
  .record({
    genes: fc.array(gene, { minLength: 1, maxLength: 14 }),
    flat: fc.boolean(),
    hidden: fc.boolean(),
    softmax: fc.boolean(),
    seed: fc.nat({ max: 1000 }),
  })
  .map(({ genes, flat, hidden, softmax, seed }) => {
    const nodes: Node[] = [make.input([5, 4, 3])];
    const grow = (node: Node): void => void nodes.push(node);
    grow(make.conv('first', 'input', 6));
    for (const [i, one] of genes.entries()) for (const node of layersOf(nodes, `n${i}`, one)) grow(node);
    const last = nodes[nodes.length - 1].id;
    grow(flat ? make.flatten('features', last) : make.globalAverage('features', last));
    if (hidden) grow(make.dense('hidden', 'features', 5));
    grow(make.dense('classes', hidden ? 'hidden' : 'features', 3));
    if (softmax) grow(make.softmax('probabilities', 'classes'));
    return make.withRandomWeights(nodes, seed);
  });

const ACTIVATIONS: readonly ActivationName[] = ['sigmoid', 'hard_sigmoid', 'swish', 'hard_swish', 'gelu'];

function layersOf(nodes: readonly Node[], id: string, gene: Gene): Node[] {
  const newest = nodes[nodes.length - 1].id;
  const [rows, columns, channels] = inferShapes(nodes).get(newest) ?? [];
  const { step, a, b } = gene;
  if (step !== 'excite') return [layerOf(nodes, id, { step, a, b })];
  return [
    make.squeeze(`${id}.squeeze`, newest, [rows, columns]),
    make.conv(`${id}.reduce`, `${id}.squeeze`, 1 + (a % 4), { size: 1, useBias: true }),
    make.conv(`${id}.expand`, `${id}.reduce`, channels, { size: 1, useBias: true }),
    make.activation(`${id}.gate`, `${id}.expand`, 'sigmoid'),
    make.multiply(id, ...(b % 2 === 0 ? [newest, `${id}.gate`] : [`${id}.gate`, newest])),
  ];
}

function layerOf(nodes: readonly Node[], id: string, { step, a, b }: Gene & { step: Exclude<Gene['step'], 'excite'> }): Node {
  const shapes = inferShapes(nodes);
  const newest = nodes[nodes.length - 1].id;
  const shape = shapes.get(newest) ?? [];
  const [rows, columns, channels] = shape;
  const partner = (fits: (shape: Shape) => boolean): string => {
    const fitting = nodes.filter((node) => fits(shapes.get(node.id) ?? []));
    return fitting[a % fitting.length].id;
  };
  const stride = Math.min(rows, columns) > 2 && a % 4 === 0 ? 2 : 1;
  const groups = [2, 3].find((count) => channels % count === 0) ?? 1;
  switch (step) {
    case 'conv':
      return make.conv(id, newest, 2 + (a % 5), { size: b % 2 === 0 ? 1 : 3, stride, useBias: b % 3 === 0 });
    case 'grouped':
      return make.conv(id, newest, groups * (1 + (a % 3)), { groups, useBias: b % 2 === 0 });
    case 'depthwise':
      return make.depthwise(id, newest, { depthMultiplier: 1 + (b % 2), useBias: a % 2 === 0 });
    case 'norm':
      return make.norm(id, newest);
    case 'relu':
      return { id, kind: 'ReLU', inputs: [newest], config: { maxValue: a % 2 === 0 ? null : 6 } };
    case 'pool':
      return {
        id,
        kind: a % 2 === 0 ? 'AveragePooling2D' : 'MaxPooling2D',
        inputs: [newest],
        config: { poolSize: [2, 2], strides: [1, 1], padding: 'same' },
      };
    case 'pad':
      return rows * columns > 40
        ? { id, kind: 'Dropout', inputs: [newest], config: { rate: 0.5 } }
        : {
            id,
            kind: 'ZeroPadding2D',
            inputs: [newest],
            config: {
              padding: [
                [a % 2, 1],
                [0, b % 2],
              ],
            },
          };
    case 'add':
      return make.add(
        id,
        newest,
        partner((other) => other.join() === shape.join()),
      );
    case 'twice':
      return channels > 12 ? make.relu(id, newest) : make.concat(id, newest, newest);
    case 'concat':
      return channels > 12
        ? make.norm(id, newest)
        : make.concat(
            id,
            partner((other) => other[0] === rows && other[1] === columns && other.length === 3),
            newest,
          );
    case 'map':
      return make.channelMap(
        id,
        newest,
        Array.from({ length: 2 + (b % 6) }, (_, o) => ((o * (a + 1)) % (channels + 1)) - 1),
        [stride, stride],
      );
    case 'activation':
      return make.activation(id, newest, ACTIVATIONS[a % ACTIVATIONS.length]);
    case 'layer norm':
      return make.layerNorm(id, newest);
    case 'scale':
      return make.layerScale(id, newest);
    case 'gate':
    case 'multiply':
      return make.multiply(
        id,
        newest,
        partner((other) => other.join() === shape.join() || (step === 'gate' && other.join() === [1, 1, channels].join())),
      );
    case 'shuffle':
      return make.channelGather(
        id,
        newest,
        Array.from({ length: channels }, (_, o) => (o % groups) * (channels / groups) + Math.floor(o / groups)),
      );
    case 'slice': {
      const first = a % channels;
      return make.channelGather(
        id,
        newest,
        Array.from({ length: Math.min(1 + b, channels - first) }, (_, o) => first + o),
      );
    }
    case 'softmax':
      return make.softmax(id, newest);
  }
}
