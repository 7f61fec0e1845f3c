import type { CardModel } from './card.ts';
import type { Metrics } from '../schema/evaluations.ts';
import type { Pruning, PruneReport, SearchStep } from '../schema/prunings.ts';

// A pruning that never was, for the views.

const at = (value: number) => ({ value, low: value - 0.01, high: value + 0.01 });
const metricsOf = (accuracy: number): Metrics => ({
  images: 2000,
  accuracy: at(accuracy),
  macroF1: at(accuracy - 0.005),
  perClass: [],
  logLoss: at(0.3),
  calibration: { expectedError: 0.02, bins: [] },
});
const cost = (flops: number) => ({ macs: flops / 2, flops, params: flops / 300, bytes: flops / 75 });
const ms = (medianMs: number) => ({ medianMs, lowMs: medianMs - 0.1, highMs: medianMs + 0.1 });

export const step = (ratio: number, accuracy: number, flops: number): SearchStep => ({
  ratio,
  flops,
  accuracy: at(accuracy),
  drop: 0.96 - accuracy,
  dropBound: 0.97 - accuracy,
  latencyMs: null,
});

const plan: Pruning['plan'] = {
  modelHash: 'a1'.repeat(32),
  criterion: 'dice',
  source: 'weights',
  ranking: 'local',
  seed: 3,
  target: { elbow: true },
  groups: [
    { id: 'c1', producers: ['c1', 'c3|odd'], coupled: [], consumers: [], channels: 16, kept: [0, 2, 4], removed: [1, 3] },
    { id: 'c2', producers: ['c2'], coupled: [], consumers: [], channels: 8, kept: [0, 1], removed: [] },
  ],
  skipped: [{ id: 'fc', producers: ['fc'], reason: "Its channels must stay: they are the network's classes." }],
  notes: [],
  cost: { before: cost(80e6), after: cost(40e6) },
  search: [step(0.05, 0.95, 70e6), step(0.3, 0.94, 40e6), step(0.9, 0.2, 5e6)],
};

export const report: PruneReport = {
  headReplaced: { from: 6, to: 10 },
  transfer: null,
  plan,
  proof: { maxDifference: 1e-6, relativeDifference: 3.1e-7, images: 32 },
  stages: [
    { name: 'base', validation: metricsOf(0.96), test: metricsOf(0.955), cost: cost(80e6), latencyMs: 2 },
    { name: 'pruned', validation: metricsOf(0.5), test: null, cost: cost(40e6), latencyMs: null },
    { name: 'fineTuned', validation: metricsOf(0.95), test: metricsOf(0.951), cost: cost(40e6), latencyMs: 1.25 },
  ],
  fineTuning: null,
  speedUp: 2,
  speedUpMeasured: 1.6,
  latency: [{ batchSize: 1, base: ms(2), final: ms(1.25), speedUp: 1.6 }],
  difference: {
    accuracy: { value: -0.004, low: -0.01, high: 0.002 },
    macroF1: { value: -0.004, low: -0.01, high: 0.002 },
    mcnemarP: 0.21,
    images: 2000,
    split: 'test',
  },
  layers: [
    { layer: 'c1', kernelsBefore: 16, kernelsAfter: 11, diversityBefore: 0.31, diversityAfter: 0.36 },
    { layer: 'c2', kernelsBefore: 8, kernelsAfter: 8, diversityBefore: null, diversityAfter: null },
  ],
  hashes: { model: 'a1'.repeat(32), dataset: 'b2'.repeat(32), artifact: 'c3'.repeat(32) },
  seed: 3,
  engine: { backend: 'tensorflow', version: '2.21.0', threads: 2, device: 'cpu' },
  notes: ['Ratio 0.30 is the elbow.'],
};

export const pruned: Pruning = {
  id: 'prn_01K7Q2Y3ZC8W5N4M6J1T0RVXAB',
  request: {
    model: 'mdl_01K7Q2Y3ZC8W5N4M6J1T0RVXAB',
    dataset: 'dst_01K7Q2Y3ZC8W5N4M6J1T0RVXAB',
    criterion: 'dice',
    source: 'weights',
    layers: 'conv',
    target: { elbow: true },
    ranking: 'local',
    roundTo: 1,
    minChannels: 1,
    protect: [],
    recalibrate: true,
    fineTune: { recipe: 'default' },
    deterministic: false,
    planOnly: false,
    seed: 3,
  },
  artifact: 'mdl_01K7Q2Y3ZC8W5N4M6J1T0RVXAC',
  parent: 'mdl_01K7Q2Y3ZC8W5N4M6J1T0RVXAB',
  plan,
  report,
  createdAt: '2026-01-01T00:00:00.000Z',
};

export const artifact: CardModel = {
  name: 'resnet20-dice-2.0x',
  classes: 2,
  classNames: ['cat: tabby', 'dog'],
  inputShape: [32, 32, 3],
  preprocessing: { channelOrder: 'rgb', scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1], resize: 'shorter-side-centre-crop' },
};
