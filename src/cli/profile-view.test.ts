import { describe, expect, it } from 'vitest';
import { type LayerProfile, weightProfile } from '../core/dice/index.ts';
import { conv, dense, globalAverage, input, withRandomWeights } from '../core/network/testing.ts';
import type { Profile } from '../schema/profiles.ts';
import { layerView, profileView } from './profile-view.ts';

const network = withRandomWeights([
  input([8, 8, 3]),
  conv('lone', 'input', 1),
  conv('wide', 'lone', 12),
  globalAverage('pool', 'wide'),
  dense('head', 'pool', 3),
]);
const { layers, ...figures } = weightProfile(network, { layers: 'conv', seed: 1 });

const profile: Profile = {
  ...figures,
  // Plain mutable arrays, as the schema types it.
  layers: structuredClone(layers as LayerProfile[]) as Profile['layers'],
  id: 'prf_01J00000000000000000000000',
  model: 'mdl_01J00000000000000000000000',
  dataset: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  precision: 'fast',
  similarityError: 0.00123,
  images: null,
  positionsPerImage: null,
  notes: ['A note.'],
  engine: null,
};

describe('a profile at the terminal', () => {
  it('has a row a layer, says why one has no S_avg, what eight bits cost, and every note', () => {
    const lines = profileView(profile, 'two').split('\n');
    expect(lines[0]).toContain(`diversity ${profile.diversity.toFixed(3)}`);
    expect(lines).toContain('  eight bits: S within 1.2e-3 of float64, as measured');
    expect(lines).toContain('  A note.');
    expect(lines.find((line) => line.includes('lone'))).toContain('One kernel has nothing to be similar to: no S_avg.');
    expect(lines.find((line) => line.includes('wide'))).toMatch(/wide +12 +9 +0\.\d{3} +[+−]0\.\d{3}/);
  });

  it('looks at one layer closer, and names the layers there are', () => {
    const dice = profile.layers[1].dice;
    const view = layerView(profile, 'two', 'wide');
    expect(view).toContain(`diversity          ${dice?.diversity.toFixed(4)}`);
    expect(view).toContain(`median ${dice?.sAvgQuantiles.median.toFixed(4)}`);
    expect(view).toContain(dice?.similarPairs[9].similarity.toFixed(4));
    expect(layerView(profile, 'two', 'lone')).toContain('no S_avg');
    expect(() => layerView(profile, 'two', 'none')).toThrow(
      expect.objectContaining({ code: 'not-found', hint: 'It has lone, wide.', field: '--layer' }),
    );
  });
});
