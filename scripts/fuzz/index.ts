// Damages files and reads them: `npm run fuzz -- formats [seconds] [seed]`. Ends with an error at the first crash, or slow or greedy read.
import { fuzzFormats } from './formats.ts';

const [what = '', seconds = '120', seed = '1'] = process.argv.slice(2);
if (what !== 'formats' || !(Number(seconds) > 0) || !Number.isInteger(Number(seed))) {
  console.error('Usage: npm run fuzz -- formats [seconds] [seed]');
  process.exit(2);
}
const { reads, refused } = await fuzzFormats({ seconds: Number(seconds), seed: Number(seed) });
console.log(`${reads} damaged files read, ${refused} refused, none crashed, hung or went past the memory limit (seed ${seed}).`);
