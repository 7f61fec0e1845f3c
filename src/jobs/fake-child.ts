// Process root of a job in the tests: its handlers do what the input's file name says.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../core/failure.ts';
import { runChild } from './run-child.ts';
import type { JobContext, JobHandler, JobHandlers } from './types.ts';

type Context = JobContext<'import-dataset'>;
type Result = Awaited<ReturnType<JobHandler<'import-dataset'>>>;

async function makeResult({ blobs, input }: Context, note: string): Promise<Result> {
  const dataset = await blobs.write(new TextEncoder().encode(`dataset of ${input.blob}`));
  const samples = await blobs.write(new TextEncoder().encode(`samples of ${input.blob}`));
  return { dataset, samples, report: { note } as unknown as Result['report'] };
}

const until = (signal: AbortSignal) => sleep(60_000, undefined, { signal });

const behaviours: Record<string, (context: Context) => Promise<Result>> = {
  succeed: async (context) => {
    context.progress({ phase: 'reading', done: 1, total: 2 });
    context.log('two classes', { classes: 2 });
    context.progress({ phase: 'writing', done: 2, total: 2 });
    return makeResult(context, 'made');
  },
  fail: async (context) => {
    await makeResult(context, 'in vain');
    throw new Failure('unusable-dataset', 'It has one class.', { hint: 'Add another.', field: 'digits.zip' });
  },
  defect: async (context) => {
    await makeResult(context, 'in vain');
    throw new TypeError('secret detail');
  },
  /** Counts to 6 with a checkpoint a step; stands still at 3 when it began from 0. */
  count: async (context) => {
    const checkpoints = context.checkpoints('count');
    const begun = Number(new TextDecoder().decode((await checkpoints.load()) ?? new Uint8Array()));
    context.log('begun', { at: begun, pid: process.pid });
    for (let step = begun + 1; step <= 6; step++) {
      await checkpoints.save(new TextEncoder().encode(String(step)));
      context.log('step', { step });
      if (begun === 0 && step === 3) await until(context.signal);
    }
    return makeResult(context, `counted from ${begun}`);
  },
  /** Dies at its first attempt, with its result made but not told. */
  'die once': async (context) => {
    const result = await makeResult(context, 'second time');
    const mark = join(context.workDir, 'was-here');
    if (!existsSync(mark)) {
      writeFileSync(mark, '');
      process.kill(process.pid, 'SIGKILL');
      await until(context.signal);
    }
    return result;
  },
  die: async (context) => {
    await makeResult(context, 'in vain');
    process.exit(7);
  },
  'exhaust memory': async () => {
    const held: number[][] = [];
    for (;;) held.push(Array<number>(1e6).fill(held.length + 0.5));
  },
  wait: async (context) => {
    await makeResult(context, 'in vain');
    context.log('waiting', { pid: process.pid });
    await until(context.signal);
    throw new Error('waited in vain');
  },
  /** Takes no SIGTERM for an answer. */
  'be deaf': async (context) => {
    context.log('waiting', { pid: process.pid });
    return sleep(60_000) as Promise<never>;
  },
};

const handler: JobHandler<'import-dataset'> = (context) => behaviours[context.input.fileName](context);

runChild({ 'import-dataset': handler } as unknown as JobHandlers, () =>
  Promise.reject(new Failure('engine-unavailable', 'No engine in this test.')),
);
