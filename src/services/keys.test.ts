import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { profileRequest } from '../schema/profiles.ts';
import { datasetSourceKey, hashOf, modelSourceKey, profileOptionsHash, weightProfileHash } from './keys.ts';

const reversed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, each]) => [key, reversed(each)]),
  );
};

test('the order of keys does not change a hash, at any depth', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => hashOf(reversed(value)) === hashOf(value)));
});

test('different values have different hashes, the order in arrays included', () => {
  const scalar = fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.constant(null));
  const list = fc.array(scalar);
  fc.assert(fc.property(list, list, (a, b) => (hashOf(a) === hashOf(b)) === (JSON.stringify(a) === JSON.stringify(b))));
  expect(hashOf([1, 2])).not.toBe(hashOf([2, 1]));
  expect(hashOf({ a: 1 })).not.toBe(hashOf({ b: 1 }));
});

test('an import is known by content and options, not by the name it was sent under', () => {
  const upload = { kind: 'upload', blob: 'b', fileName: 'x.zip' } as const;
  const key = modelSourceKey({ source: upload });
  expect(modelSourceKey({ source: { ...upload, fileName: 'y.zip' } })).toBe(key);
  expect(modelSourceKey({ source: { ...upload, blob: 'c' } })).not.toBe(key);
  expect(modelSourceKey({ source: { ...upload, architecture: 'a' } })).not.toBe(key);
  expect(modelSourceKey({ source: upload, name: 'n' })).not.toBe(key);
  const zoo = { kind: 'zoo', name: 'b', hash: 'first' } as const;
  expect(modelSourceKey({ source: zoo })).not.toBe(key);
  expect(modelSourceKey({ source: { ...zoo, hash: 'trained again' } })).not.toBe(modelSourceKey({ source: zoo }));

  const data = { blob: 'b', fileName: 'x.zip', exclude: ['p', 'q'], seed: 0 };
  expect(datasetSourceKey({ ...data, fileName: 'y.zip', exclude: ['q', 'p'] })).toBe(datasetSourceKey(data));
  expect(datasetSourceKey({ ...data, seed: 1 })).not.toBe(datasetSourceKey(data));
});

test('a branch and an address are known by what was found there, a commit by itself', () => {
  const hub = { kind: 'hub', repository: 'org/net', revision: 'main' } as const;
  const url = { kind: 'url', url: 'https://example.com/net.pth' } as const;
  const commit = '0'.repeat(40);
  expect(modelSourceKey({ source: hub }, commit)).toBe(modelSourceKey({ source: { ...hub, revision: commit } }));
  const keys = [
    modelSourceKey({ source: hub }),
    modelSourceKey({ source: hub }, commit),
    modelSourceKey({ source: { ...hub, file: 'old/net.pth' } }, commit),
    modelSourceKey({ source: { ...hub, architecture: 'resnet18' } }, commit),
    modelSourceKey({ source: hub, name: 'mine' }, commit),
    modelSourceKey({ source: url }),
    modelSourceKey({ source: url }, 'a'),
    modelSourceKey({ source: url }, 'b'),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});

test('a default weight profile is the one that was made on arrival; images matter for activations only', () => {
  const ask = (options: object) => profileOptionsHash(profileRequest.parse({ model: `mdl_${'0'.repeat(26)}`, ...options }));
  const dataset = `dst_${'0'.repeat(26)}`;
  expect(ask({})).toBe(weightProfileHash);
  expect(ask({ images: 7, positionsPerImage: 3 })).toBe(weightProfileHash);
  expect(ask({ layers: 'all' })).not.toBe(weightProfileHash);
  expect(ask({ precision: 'fast' })).not.toBe(weightProfileHash);
  expect(ask({ source: 'activations', dataset, images: 7 })).not.toBe(ask({ source: 'activations', dataset }));
});
