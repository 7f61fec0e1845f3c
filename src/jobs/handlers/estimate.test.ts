import { describe, expect, it } from 'vitest';
import { costOf } from '../../core/network/index.ts';
import * as make from '../../core/network/testing.ts';
import { pruneRequest } from '../../schema/prunings.ts';
import type { DatasetRef } from '../types.ts';
import { estimateJob } from './estimate.ts';

const network = make.withRandomWeights([
  make.input([32, 32, 3]),
  make.conv('c', 'input', 64),
  make.conv('d', 'c', 64),
  make.globalAverage('pool', 'd'),
  make.dense('classes', 'pool', 10),
]);
const cost = costOf(network);

function estimate(given: object, counts = { train: 50_000, validation: 1000, test: 10_000 }, replaced = false) {
  const request = pruneRequest.parse({
    model: 'mdl_01M86VCQ192HQKSF56YQKC7YE6',
    dataset: 'dst_01M86VCQ192HQKSF56YQKC7YE6',
    target: { ratio: 0.5 },
    ...given,
  });
  const dataset = { report: { counts } } as DatasetRef;
  return estimateJob(network, { cost: { before: cost, after: { ...cost, flops: cost.flops / 4 } } }, { request, dataset, replaced });
}

describe('estimateJob', () => {
  it('grows with the epochs, and by the base’s training where the head is replaced', () => {
    const [none, some, more] = [0, 10, 20].map((epochs) => estimate({ fineTune: { epochs } }).seconds);
    expect(some - none).toBeGreaterThan(1);
    expect(more - some).toBeCloseTo(some - none, 6);
    const replaced = estimate({ fineTune: { epochs: 10 } }, undefined, true).seconds;
    expect(replaced - some).toBeGreaterThan(2 * (some - none));
  });

  it('needs memory for the images and the batch', () => {
    const small = estimate({}, { train: 0, validation: 0, test: 0 }).memoryBytes;
    expect(estimate({}).memoryBytes - small).toBe(61_000 * 32 * 32 * 3);
    expect(estimate({ fineTune: { batchSize: 512 } }).memoryBytes).toBeGreaterThan(estimate({}).memoryBytes + 480 * 2 * 64 * 32 * 32 * 4);
  });
});
