import { join } from 'node:path';
import { pino } from 'pino';
import type { Config } from '../config.ts';
import { Failure } from '../core/failure.ts';
import type { Engine } from '../engine/types.ts';
import { limits } from '../limits.ts';
import type { JobKind } from '../schema/jobs.ts';
import { type Blobs, openBlobs } from '../store/blobs.ts';
import { openCache } from '../store/cache.ts';
import { fileCheckpoints } from './checkpoints.ts';
import type { FromChild, Start } from './messages.ts';
import { throttle } from './throttle.ts';
import type { JobContext, JobHandler, JobHandlers } from './types.ts';

type Send = (message: FromChild) => void;

/** Blobs that tell the supervisor of each one written, so that none is left behind when the job fails. */
function reportedBlobs(blobs: Blobs, send: Send): Blobs {
  const reported =
    <A extends unknown[]>(make: (...args: A) => ReturnType<Blobs['write']>) =>
    async (...args: A) => {
      const ref = await make(...args);
      send({ type: 'blob', hash: ref.hash });
      return ref;
    };
  return { ...blobs, write: reported(blobs.write), adopt: reported(blobs.adopt) };
}

/** Sums of several threads are added in any order. */
const isDeterministic = (input: Start['input']): boolean =>
  'request' in input && 'deterministic' in input.request && input.request.deterministic;

/** The failure that an exception of a handler stands for; undefined for a defect. */
function failureOf(error: unknown, signal: AbortSignal): Failure | undefined {
  if (error instanceof Failure) return error;
  if (signal.aborted) return new Failure('cancelled', 'The job was asked to end.');
  if (error instanceof RangeError && error.message.includes('allocation failed')) {
    return new Failure('out-of-memory', 'The job needs more memory than there is.', {
      hint: 'Use a smaller model, dataset or batch size, or a larger machine.',
    });
  }
  return undefined;
}

async function run(start: Start, handlers: JobHandlers, openEngine: (options: Config['engine']) => Promise<Engine>): Promise<void> {
  const parent = process.ppid;
  const send: Send = (message) => {
    // The channel's end is an event, and a loop that computes may not see it for long.
    if (process.ppid !== parent) process.exit(1);
    process.send?.(message);
  };
  const stop = new AbortController();
  process.on('SIGTERM', () => stop.abort());

  const { report, flush } = throttle((progress) => send({ type: 'progress', progress }), limits.jobProgressEveryMs);
  let engine: Promise<Engine> | undefined;
  const context: JobContext<JobKind> = {
    input: start.input,
    blobs: reportedBlobs(openBlobs(start.blobsDir, join(start.workDir, 'blobs')), send),
    cache: openCache(start.cacheDir, limits.cacheBytesMax),
    workDir: start.workDir,
    checkpoints: (name) => fileCheckpoints(start.workDir, name),
    engine: () => (engine ??= openEngine(isDeterministic(start.input) ? { ...start.engine, threads: 1 } : start.engine)),
    progress: report,
    log: (message, data = {}) => send({ type: 'log', message, data }),
    signal: stop.signal,
    zooDir: start.zooDir,
    hub: start.hub,
  };
  try {
    // The kind decides which input and result the handler has; the types cannot follow that through the map.
    const handler = handlers[start.kind] as JobHandler<JobKind>;
    const result = await handler(context);
    flush();
    send({ type: 'result', result });
  } catch (error) {
    flush();
    const failure = failureOf(error, stop.signal);
    if (!failure) {
      const log = pino({ level: start.logLevel, base: { job: start.jobId } }, pino.destination({ dest: 2, sync: true }));
      log.error({ err: error }, `${start.kind} failed unexpectedly`);
    }
    const { code, message, hint, field } =
      failure ?? new Failure('internal', 'The job failed by a defect of the service.', { hint: "The service's log tells more." });
    send({ type: 'failure', code, message, hint, field });
  }
}

/**
 * Turns this process into that of one job: it waits for its {@link Start}, runs the handler and reports. SIGTERM aborts the
 * handler's signal. The process ends with the channel to its supervisor, which ends it once it has said its last word.
 */
export function runChild(handlers: JobHandlers, openEngine: (options: Config['engine']) => Promise<Engine>): void {
  process.on('disconnect', () => process.exit(1));
  // A terminal sends Ctrl-C to all processes; what it means for a job is the supervisor's to decide.
  process.on('SIGINT', () => {});
  process.once('message', (start) => void run(start as Start, handlers, openEngine));
}
