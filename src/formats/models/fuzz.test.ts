import { expect, it } from 'vitest';
import { fuzzFormats } from '../../../scripts/fuzz/formats.ts';

it('refuses damaged files of every format, or reads them: two seconds of the fuzz run', async () => {
  const { reads, refused } = await fuzzFormats({ seconds: 2, seed: 7 });
  expect(reads).toBeGreaterThan(20);
  expect(refused).toBeGreaterThan(reads / 2);
}, 30_000);
