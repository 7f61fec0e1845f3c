import { expect, test } from 'vitest';
import { diversityQuery } from '../schema/diversity.ts';
import { datasetUploadQuery } from '../schema/datasets.ts';
import { profileRequest } from '../schema/profiles.ts';
import { pruneRequest } from '../schema/prunings.ts';
import { recommendRequest } from '../schema/recommendations.ts';
import { invalidRequest } from './validation.ts';

const id = (prefix: string): string => `${prefix}_${'0'.repeat(26)}`;
const prune = (change: object) => ({ model: id('mdl'), dataset: id('dst'), target: { ratio: 0.5 }, ...change });

const schemas = { pruneRequest, recommendRequest, profileRequest, datasetUploadQuery, diversityQuery };

test.each<[keyof typeof schemas, unknown, string | undefined, string]>([
  ['pruneRequest', prune({ target: { ratio: 1.5 } }), 'target.ratio', 'target.ratio must be below 1.'],
  ['pruneRequest', prune({ target: { flops: -3 } }), 'target.flops', 'target.flops must be above 0.'],
  [
    'pruneRequest',
    prune({ target: { ratio: 0.5, flops: 3 } }),
    'target',
    'target must be one of {"ratio": …}, {"flops": …}, {"params": …}, {"bytes": …}, {"latencyMs": …}, {"accuracyDropMax": …} and {"elbow": true}.',
  ],
  [
    'pruneRequest',
    prune({ target: {} }),
    'target',
    'target must be one of {"ratio": …}, {"flops": …}, {"params": …}, {"bytes": …}, {"latencyMs": …}, {"accuracyDropMax": …} and {"elbow": true}.',
  ],
  ['pruneRequest', prune({ target: 0.5 }), 'target', 'target must be an object.'],
  ['pruneRequest', prune({ model: undefined }), 'model', 'model is missing.'],
  ['pruneRequest', prune({ model: '/etc/passwd' }), 'model', 'model is not an id of the form mdl_….'],
  ['pruneRequest', prune({ roundTo: 2.5 }), 'roundTo', 'roundTo must be a whole number.'],
  ['pruneRequest', prune({ fineTune: { recipe: 'best' } }), 'fineTune.recipe', 'fineTune.recipe must be one of default, thesis.'],
  ['pruneRequest', prune({ fineTune: { epoch: 3 } }), 'fineTune.epoch', 'fineTune.epoch is not a field of this request.'],
  ['pruneRequest', prune({ seed: 2 ** 31 }), 'seed', 'seed must be at most 2147483647.'],
  ['pruneRequest', [], undefined, 'The body must be an object.'],
  ['recommendRequest', { dataset: id('dst'), candidates: [] }, 'candidates', 'candidates must have at least 1 item.'],
  ['recommendRequest', { dataset: id('dst'), candidates: [id('mdl'), 7] }, 'candidates.1', 'candidates.1 must be a string.'],
  ['profileRequest', { model: id('mdl'), layers: 'dense' }, 'layers', 'layers must be one of conv, all.'],
  ['datasetUploadQuery', { seed: 'x' }, 'seed', 'seed must be a number.'],
  ['datasetUploadQuery', { name: '' }, 'name', 'name must have at least 1 character.'],
  ['diversityQuery', { since: 'yesterday' }, 'since', 'since must be an ISO 8601 time in UTC, e.g. 2026-11-24T12:00:00.000Z.'],
])('%s %o', (name, value, field, message) => {
  const { error } = schemas[name].safeParse(value);
  expect(invalidRequest(error?.issues ?? [], 'body')).toMatchObject({ code: 'invalid-request', field, message });
});
