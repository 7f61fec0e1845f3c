import { openEngine } from '../../src/engine/index.ts';
import { tf } from '../../src/engine/tf.ts';
import type { BenchOptions, Figure } from './types.ts';
import { randomImages, recipeOf, resnet20 } from './networks.ts';

const STEPS = 20;
const LISTED = 9;

type ExecuteOp = (name: string, ...rest: unknown[]) => unknown;

/** Where a training step's processor time goes: the share of each TensorFlow op, and of all that is not one. */
export async function* ops(options: BenchOptions): AsyncGenerator<Figure> {
  const engine = await openEngine({ ...options, backend: 'tensorflow' });
  const spent = new Map<string, number>();
  // The addon's own object is frozen, so the backend gets a copy of it whose calls are timed.
  const backend = tf.backend() as unknown as { binding: Record<string, unknown> & { executeOp: ExecuteOp } };
  const { binding } = backend;
  const own = Object.fromEntries(Object.getOwnPropertyNames(binding).map((name) => [name, binding[name]]));
  const executeOp: ExecuteOp = (name, ...rest) => {
    const begun = process.cpuUsage();
    const outputs = binding.executeOp(name, ...rest);
    spent.set(name, (spent.get(name) ?? 0) + microseconds(begun));
    return outputs;
  };
  backend.binding = { ...own, executeOp };

  for (const batchSize of [32, 128]) {
    const recipe = recipeOf(batchSize, { horizontalFlip: true, rotationDegrees: 10, shift: 0.08 });
    const images = randomImages(STEPS * batchSize, 32, 10);
    const run = () => engine.train(resnet20(), images, randomImages(8, 32, 10), recipe);
    await run();
    spent.clear();
    const begun = process.cpuUsage();
    await run();
    const total = microseconds(begun);
    const inOps = [...spent.values()].reduce((sum, value) => sum + value, 0);
    const slowest = [...spent].toSorted(([, a], [, b]) => b - a).slice(0, LISTED);
    for (const [name, value] of [['outside TensorFlow', total - inOps] as const, ...slowest]) {
      yield { name: `resnet20 train batch ${batchSize}: ${name}`, value: (100 * value) / total, unit: '%' };
    }
  }
}

function microseconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return user + system;
}
