import { expect, it } from 'vitest';
import { channelQuantiles } from './channel-quantiles.ts';

it('runs from a channel’s minimum to its maximum, each channel for itself', () => {
  const ramp = Array.from({ length: 63 }, (_, i) => i);
  const { shape, data } = channelQuantiles(Float32Array.from([...ramp.toReversed(), ...ramp.map((value) => -value)]), 2);
  expect(shape).toEqual([2, 32]);
  expect([...data.subarray(0, 32)]).toEqual(Array.from({ length: 32 }, (_, k) => 2 * k));
  expect([...data.subarray(32)]).toEqual(Array.from({ length: 32 }, (_, k) => -62 + 2 * k));
});
