// Compares the backbones with reference files: `npm run -s golden -- DIR`. One line a file; exits 1 if any differs.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../src/core/failure.ts';
import { openEngine } from '../../src/engine/index.ts';
import { checkGolden, type Golden } from './check.ts';

const [folder, ...only] = process.argv.slice(2);
if (folder === undefined) {
  console.error('Usage: npm run -s golden -- DIR [NAME...]');
  process.exit(2);
}
// Sums that cancel, as those of VGG's formula-filled layers do, come out nearer without oneDNN; TensorFlow reads this as it loads.
process.env.TF_ENABLE_ONEDNN_OPTS ??= '0';
const engine = await openEngine();
for (const file of readdirSync(folder).sort()) {
  if (!file.endsWith('.json')) continue;
  const golden = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Golden;
  if (only.length > 0 && !only.includes(golden.name)) continue;
  const { line, passed } = await report(golden);
  console.log(line);
  if (!passed) process.exitCode = 1;
}

async function report(golden: Golden): Promise<{ line: string; passed: boolean }> {
  try {
    const checks = await checkGolden(engine, golden);
    const words = checks.map(({ what, difference }) => `${what} ${difference === undefined ? 'pass' : `FAIL (${difference})`}`);
    return { line: `${golden.name} ${words.join(' ')}`, passed: checks.every(({ difference }) => difference === undefined) };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { line: `${golden.name} FAIL (${error.message})`, passed: false };
  }
}
