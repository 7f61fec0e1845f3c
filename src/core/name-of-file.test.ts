import { expect, it } from 'vitest';
import { nameOfFile } from './name-of-file.ts';

it('leaves the extension out, the double one of a compressed tar too', () => {
  expect(['digits.zip', 'digits.tar.gz', 'resnet20.v2.h5', 'plain', '.hidden'].map(nameOfFile)).toEqual([
    'digits',
    'digits',
    'resnet20.v2',
    'plain',
    '.hidden',
  ]);
});
