// Halves every architecture by every kind of criterion and proves each cut: `npm run -s proof -- [SIDE] [NAME...]`.
// One line an architecture; exits 1 if any fails. The whole catalogue takes an hour or two and 16 GB.
import { architectures } from '../../src/backbones/index.ts';
import { Failure } from '../../src/core/failure.ts';
import { openEngine } from '../../src/engine/index.ts';
import { KINDS, proveHalf, randomImages, subject } from './check.ts';

const DEFAULT_SIDE = 96;
const [first, ...rest] = process.argv.slice(2);
const side = first === undefined || Number.isNaN(Number(first)) ? DEFAULT_SIDE : Number(first);
const only = side === Number(first) ? rest : process.argv.slice(2);
const engine = await openEngine();
const images = randomImages(side);
for (const { id } of architectures()) {
  if (only.length > 0 && !only.includes(id)) continue;
  const words: string[] = [];
  for (const kind of KINDS) words.push(await report(id, kind));
  console.log(`${id} ${words.join(' · ')}`);
}

async function report(id: string, kind: (typeof KINDS)[number]): Promise<string> {
  try {
    const { difference, change, flops } = await proveHalf(engine, subject(id, side), images, kind);
    return `${kind.join('/')} ${difference.toExponential(1)} (change ${change.toFixed(2)}, ${(100 * flops).toFixed(0)} % FLOPs)`;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // A criterion may have nothing to say of a network: apoz of one without ReLU.
    if (error.code === 'target-unreachable') return `${kind.join('/')} none`;
    process.exitCode = 1;
    return `${kind.join('/')} FAIL (${error.message})`;
  }
}
