import { describe, expect, it } from 'vitest';
import type { Network, Node, Tensor } from '../../network/index.ts';
import * as make from '../../network/testing.ts';
import { createRandom } from '../../random.ts';
import { criterionOf } from '../criteria.ts';
import type { Evidence, Source } from '../evidence.ts';
import { dependencyGroups } from '../groups.ts';
import { createViews } from '../view.ts';

/** Filters of a 1×1 convolution, one row of input weights each, as the HWIO kernel. */
function filters(...rows: number[][]): Tensor {
  const [inputs, outputs] = [rows[0].length, rows.length];
  const data = Float32Array.from({ length: inputs * outputs }, (_, at) => rows[at % outputs][Math.floor(at / outputs)]);
  return { shape: [1, 1, inputs, outputs], data };
}

const closing: Node[] = [make.globalAverage('pool', 'r'), make.dense('classes', 'pool', 2)];
const single = (kernel: Tensor, rest: Record<string, number[]> = {}): Network =>
  withWeights(
    make.withRandomWeights([
      make.input([2, 2, 3]),
      make.conv('c', 'input', kernel.shape[3], { size: 1 }),
      make.norm('b', 'c'),
      make.relu('r', 'b'),
      ...closing,
    ]),
    { 'c/kernel': [...kernel.data], ...rest },
  );

function withWeights(network: Network, values: Record<string, number[]>): Network {
  const weights = new Map(network.weights);
  for (const [key, data] of Object.entries(values))
    weights.set(key, { shape: weights.get(key)?.shape ?? [], data: Float32Array.from(data) });
  return { ...network, weights };
}

function scores(criterion: string, network: Network, { source = 'weights', ...evidence }: Evidence & { source?: Source } = {}): number[] {
  const [group] = dependencyGroups(network);
  return [...criterionOf(criterion).score(createViews(network, { source, seed: 3, evidence })(group))];
}

/** A residual pair: c and d make the same three channels. */
const residual = withWeights(
  make.withRandomWeights([
    make.input([2, 2, 3]),
    make.conv('c', 'input', 3, { size: 1 }),
    make.conv('d', 'input', 3, { size: 1 }),
    make.add('sum', 'c', 'd'),
    make.relu('r', 'sum'),
    ...closing,
  ]),
  {
    'c/kernel': [...filters([1, -1, 0], [2, 2, 0], [0, -3, 3]).data],
    'd/kernel': [...filters([10, 0, 0], [10, 0, 0], [0, 0, -40]).data],
  },
);

describe('criteria of magnitude', () => {
  const kernel = filters([3, -4, 0], [1, 0, 0], [0, -2, -2], [1, 1, 1]);

  it('l1 and l2 are norms over the layer mean', () => {
    expect(scores('l1', single(kernel))).toEqual([7 / 3.75, 1 / 3.75, 4 / 3.75, 3 / 3.75]);
    const norms = [5, 1, Math.sqrt(8), Math.sqrt(3)];
    const mean = norms.reduce((a, b) => a + b, 0) / 4;
    scores('l2', single(kernel)).forEach((score, i) => expect(score).toBeCloseTo(norms[i] / mean, 12));
  });

  it('average over producers, each at its own scale', () => {
    // L1: 2, 4, 6 over 4, and 10, 10, 40 over 20.
    expect(scores('l1', residual)).toEqual([(0.5 + 0.5) / 2, (1 + 0.5) / 2, (1.5 + 2) / 2]);
  });

  it('group-norm takes in all that leaves: kernel, γ, β and the consumer’s inputs, not the moving statistics', () => {
    const network = single(filters([1, 0, 0], [0, 2, 0]), {
      'b/gamma': [2, 0],
      'b/beta': [0, 1],
      'b/moving_mean': [50, 50],
      'classes/kernel': [2, 0, 3, 1],
    });
    const norms = [Math.sqrt(1 + 4 + 0 + 4), Math.sqrt(4 + 0 + 1 + 10)];
    const mean = (norms[0] + norms[1]) / 2;
    scores('group-norm', network).forEach((score, i) => expect(score).toBeCloseTo(norms[i] / mean, 12));
  });

  it('group-norm takes in depthwise kernels and all positions of flattened features', () => {
    const nodes = [
      make.input([1, 2, 1]),
      make.conv('c', 'input', 2, { size: 1 }),
      make.depthwise('w', 'c', { kernelSize: [1, 1] }),
      make.flatten('flat', 'w'),
      make.dense('classes', 'flat', 1),
    ];
    const network = withWeights(make.withRandomWeights(nodes), {
      'c/kernel': [1, 2],
      'w/kernel': [3, 4],
      'classes/kernel': [5, 6, 7, 8],
    });
    const norms = [Math.sqrt(1 + 9 + 25 + 49), Math.sqrt(4 + 16 + 36 + 64)];
    const mean = (norms[0] + norms[1]) / 2;
    scores('group-norm', network).forEach((score, i) => expect(score).toBeCloseTo(norms[i] / mean, 12));
  });

  it('bn-scale is |γ|, and says where there is none', () => {
    expect(scores('bn-scale', single(filters([1, 0, 0], [0, 2, 0]), { 'b/gamma': [-0.5, 0.25] }))).toEqual([0.5, 0.25]);
    const [group] = dependencyGroups(residual);
    const view = createViews(residual, { source: 'weights', seed: 0, evidence: {} })(group);
    expect(criterionOf('bn-scale').obstacle?.(view)).toContain('no BatchNormalization');
  });

  it('lamp divides by the squares that are not smaller, equal ones alike', () => {
    // Squares 1, 4, 4, 16.
    expect(scores('lamp', single(filters([1, 0, 0], [0, 2, 0], [2, 0, 0], [0, 0, -4])))).toEqual([1 / 25, 4 / 24, 4 / 24, 1]);
  });

  it('fpgm keeps signs: opposite filters are far apart', () => {
    // Distances: 0–1 10, 0–2 0, 1–2 10.
    const sums = [10, 20, 10];
    expect(scores('fpgm', single(filters([3, 4, 0], [-3, -4, 0], [3, 4, 0])))).toEqual(sums.map((sum) => sum / (40 / 3)));
  });

  it('fpgm is the sum of plain distances, of near duplicates and far from the origin too', () => {
    const random = createRandom(4);
    const count = 24;
    const rows = Array.from({ length: count }, () => Array.from({ length: 3 }, () => 50 + random.normal()));
    rows[7] = rows[3].map((value) => value + 1e-5);
    const stored = rows.map((row) => row.map(Math.fround));
    const distances = stored.map((a) => stored.reduce((sum, b) => sum + Math.hypot(...a.map((value, at) => value - b[at])), 0));
    const mean = distances.reduce((a, b) => a + b, 0) / count;
    scores('fpgm', single(filters(...rows))).forEach((score, i) => expect(score).toBeCloseTo(distances[i] / mean, 8));
  });

  it('fpgm averages over producers', () => {
    const distances = (rows: number[][]): number[] =>
      rows.map((a) => rows.reduce((sum, b) => sum + Math.hypot(...a.map((v, at) => v - b[at])), 0));
    const shares = (sums: number[]): number[] => sums.map((sum) => (3 * sum) / sums.reduce((a, b) => a + b, 0));
    const c = shares(distances([[1, -1, 0], [2, 2, 0], [0, -3, 3]])); // prettier-ignore
    const d = shares(distances([[10, 0, 0], [10, 0, 0], [0, 0, -40]])); // prettier-ignore
    scores('fpgm', residual).forEach((score, i) => expect(score).toBeCloseTo((c[i] + d[i]) / 2, 12));
  });

  it('dacp is length times mean angle to the others', () => {
    // Lengths 1, 2, 3, 0; angles 0–1 π/2, 0–2 π, 1–2 π/2, and π/2 to the filter of zeros.
    const lengths = [1, 2, 3, 0].map((length) => length / 1.5);
    const angles = [(0.5 + 1 + 0.5) / 3, 0.5, (1 + 0.5 + 0.5) / 3, 0.5];
    scores('dacp', single(filters([1, 0, 0], [0, 2, 0], [-3, 0, 0], [0, 0, 0]))).forEach((score, i) =>
      expect(score).toBeCloseTo(lengths[i] * angles[i], 12),
    );
  });

  it('random is uniform and seeded', () => {
    const drawn = scores('random', single(kernel));
    expect(drawn).toEqual(scores('random', single(kernel)));
    expect(new Set(drawn).size).toBe(4);
    expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true);
  });
});

describe('criteria of gradients', () => {
  const network = single(filters([1, 2, 0], [3, -1, 1]));
  // As the kernel is laid out: input 0 of both filters, then input 1, then input 2.
  const gradient = new Map([['c/kernel', Float32Array.from([1, 1, -1, 2, 5, 4])]]);
  const meanSquare = new Map([['c/kernel', Float32Array.from([1, 0.5, 2, 1, 9, 3])]]);
  const gradients = { mean: gradient, meanSquare };

  it.each([
    ['taylor', [Math.abs(1 - 2), Math.abs(3 - 2 + 4)]],
    ['snip', [1 + 2, 3 + 2 + 4]],
    ['hessian', [1 + 8, 4.5 + 1 + 3]],
  ])('%s', (criterion, wanted) => {
    expect(scores(criterion, network, { gradients })).toEqual(wanted);
  });

  it('grasp: the highest −w·Hg leave first', () => {
    expect(scores('grasp', network, { hessianProduct: gradient })).toEqual([1 - 2, 3 - 2 + 4]);
  });

  it('average over producers as they are', () => {
    const mean = new Map([
      ['c/kernel', Float32Array.from([1, 1, 1, 1, 1, 1, 1, 1, 1])],
      ['d/kernel', Float32Array.from([1, 1, 1, 1, 1, 1, 1, 1, 1])],
    ]);
    expect(scores('taylor', residual, { gradients: { mean, meanSquare: mean } })).toEqual([(0 + 10) / 2, (4 + 10) / 2, (0 + 40) / 2]);
  });

  it('dice-hybrid lowers the importance of the redundant', () => {
    const alike = single(filters([1, 0, 0], [1, 0.1, 0], [-1, -1, 1], [0, 1, -1]));
    const ones = new Map([['c/kernel', new Float32Array(12).fill(1)]]);
    const taylor = [1, 1.1, 1, 0];
    // Highest S: 0 and 1 have each other, then 2 and 3 each other or one of them; hand-ranked from S below.
    const [group] = dependencyGroups(alike);
    const S = createViews(alike, { source: 'weights', seed: 3, evidence: {} })(group).similarity();
    const highest = [0, 1, 2, 3].map((i) => Math.max(...[0, 1, 2, 3].filter((j) => j !== i).map((j) => S[i * 4 + j])));
    expect(highest[0]).toBe(highest[1]);
    expect(highest[3]).toBeGreaterThan(highest[2]);
    expect(highest[0]).toBeGreaterThan(highest[3]);
    const redundancy = [2.5 / 3, 2.5 / 3, 0, 1 / 3];
    const wanted = taylor.map((value, i) => value * (1 - redundancy[i]));
    scores('dice-hybrid', alike, { gradients: { mean: ones, meanSquare: ones } }).forEach((score, i) =>
      expect(score).toBeCloseTo(wanted[i], 6),
    );
  });
});

describe('criteria of feature maps', () => {
  const featureMaps = new Map([
    ['c', { meanRank: Float64Array.from([1, 2, 3]), zeroShare: Float64Array.from([0.9, 0.5, 0]), nonNegative: true }],
    ['d', { meanRank: Float64Array.from([4, 4, 4]), zeroShare: Float64Array.from([0.1, 0.5, 1]), nonNegative: true }],
  ]);

  it('hrank is the mean rank over the layer mean', () => {
    expect(scores('hrank', residual, { featureMaps })).toEqual([0.75, 1, 1.25]);
  });

  it('apoz: the most zeros leave first, but only where there is a ReLU', () => {
    scores('apoz', residual, { featureMaps }).forEach((score, i) => expect(score).toBeCloseTo([0.5, 0.5, 0.5][i], 12));
    expect(scores('apoz', single(filters([1, 0, 0], [1, 1, 0], [0, 1, 0])), { featureMaps })).toEqual([1 - 0.9, 0.5, 1]);
    const signed = new Map([...featureMaps].map(([id, maps]) => [id, { ...maps, nonNegative: false }]));
    const [group] = dependencyGroups(residual);
    const view = createViews(residual, { source: 'weights', seed: 0, evidence: { featureMaps: signed } })(group);
    expect(criterionOf('apoz').obstacle?.(view)).toContain('ReLU');
  });
});

describe('dice on the source asked for', () => {
  it('activations are compared where they are given', () => {
    const network = single(filters([1, 0, 0], [1, 0, 0], [0, 1, 0]));
    const values = Float32Array.from([1, 0, 1, 0, /**/ 0, 1, 0, 1, /**/ 0, 1, 0, 1]);
    const activations = new Map([['c', { channels: 3, samples: 4, values, nonNegative: true }]]);
    const [group] = dependencyGroups(network);
    const similarity = (source: Source) => [...createViews(network, { source, seed: 3, evidence: { activations } })(group).similarity()];
    expect(similarity('activations')).toEqual([1, 0, 0, 0, 1, 1, 0, 1, 1]);
    // Kernels 0 and 1 are equal. ŵ of the third, (½, 1, ½), shares 3 × ½ with (1, ½, ½): S = 2 · 1.5 / 4.
    expect(similarity('weights')).toEqual([1, 1, 0.75, 1, 1, 0.75, 0.75, 0.75, 1]);
  });

  it('weights-excess is S less that of permuted kernels', () => {
    const network = single(filters([1, 0.2, -0.5], [0.9, 0.3, -0.4], [-1, 0.8, 0.1]));
    const [group] = dependencyGroups(network);
    const excess = createViews(network, { source: 'weights-excess', seed: 3, evidence: {} })(group).similarity();
    const raw = createViews(network, { source: 'weights', seed: 3, evidence: {} })(group).similarity();
    const permuted = raw.map((value, at) => value - excess[at]);
    expect([permuted[0], permuted[4], permuted[8]]).toEqual([1, 1, 1]);
    expect(permuted.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect(excess.some((value) => Math.abs(value) > 0.01)).toBe(true);
  });
});
