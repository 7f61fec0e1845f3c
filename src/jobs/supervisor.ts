import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { Failure } from '../core/failure.ts';
import { limits } from '../limits.ts';
import type { Store } from '../store/store.ts';
import { clearLeftovers, workDirOf } from './leftovers.ts';
import type { FromChild } from './messages.ts';
import { type JobProcess, type Outcome, startProcess } from './process.ts';
import type { JobQueue, Lease, Settle, WorkQueue } from './queue.ts';
import { isFinished } from './rows.ts';

export interface SupervisorOptions {
  readonly store: Store;
  readonly queue: WorkQueue & Pick<JobQueue, 'get'>;
  readonly settle: Settle;
  readonly config: Pick<Config, 'engine' | 'hub' | 'jobs' | 'logLevel'>;
  /** Where the starter backbones are. */
  readonly zooDir: string;
  readonly log: Logger;
  /** Path of the job process's root; another one in tests. */
  readonly entry?: string;
  /** Jobs that are to run here (default: all); the others stay queued for the next supervisor. */
  readonly accepts?: (jobId: string) => boolean;
}

export interface Supervisor {
  /** Looks at the queue again, after what it accepts has changed. */
  wake(): void;
  /** Takes no more jobs, asks running ones to end and ends them after `graceMs`; they are resumed at the next start. */
  stop(options: { readonly graceMs: number }): Promise<void>;
}

interface Running {
  readonly lease: Lease;
  readonly process: JobProcess;
  /** Why it was asked to end. */
  ending?: 'cancel' | 'stop' | 'lost';
}

const childRoot = fileURLToPath(new URL('child.ts', import.meta.url));

/**
 * Runs the queue's jobs, each in a process of its own, and records what they say. The data directory must be this process's
 * own: jobs that another one left running are queued again first.
 */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const { store, queue, config, log, accepts = () => true } = options;
  const running = new Map<string, Running>();
  const ended = new Set<Promise<void>>();
  let stopped = false;

  await clearLeftovers(store, queue);

  const hear = (lease: Lease, message: FromChild): void => {
    if (message.type === 'progress') queue.progress(lease, message.progress);
    else if (message.type === 'log') queue.log(lease, message.message, message.data);
    else if (message.type === 'blob') queue.claimBlob(lease, message.hash);
  };

  const settle = (lease: Lease, outcome: Extract<Outcome, { type: 'result' }>): void => {
    const job = { id: lease.jobId, kind: lease.kind, input: lease.input };
    try {
      queue.succeed(lease, (tx) => options.settle(tx, job, outcome.result));
    } catch (error) {
      if (error instanceof Failure) return void queue.fail(lease, error);
      log.error({ job: lease.jobId, err: error }, 'the result could not be stored');
      queue.fail(lease, new Failure('internal', 'The result could not be stored.', { hint: "The service's log tells more." }));
    }
  };

  const record = ({ lease, ending }: Running, outcome: Outcome): void => {
    if (ending === 'lost') return;
    if (outcome.type === 'result') settle(lease, outcome);
    else if (ending === 'cancel') queue.cancelled(lease);
    else if (outcome.type === 'failure' && outcome.code !== 'cancelled')
      queue.fail(lease, new Failure(outcome.code, outcome.message, outcome));
    else if (ending === 'stop') queue.release(lease);
    else queue.crashed(lease, outcome.type === 'death' ? outcome.cause : new Failure('internal', "The job's process was asked to end."));
  };

  const finish = (job: Running, outcome: Outcome): void => {
    const { jobId, attempt } = job.lease;
    running.delete(jobId);
    const about = { job: jobId, attempt, outcome: outcome.type, ending: job.ending };
    try {
      record(job, outcome);
      if (isFinished(queue.get(jobId).state)) rmSync(workDirOf(store, jobId), { recursive: true, force: true });
      if (outcome.type === 'death') log.warn({ ...about, err: outcome.cause }, 'job process died');
      else log.info(about, 'job process ended');
    } catch (error) {
      // The lease lapses, and the job is taken up again from its checkpoint.
      log.error({ ...about, err: error }, 'job could not be settled');
    }
    tick();
  };

  const start = (lease: Lease): void => {
    const { jobId, kind, input } = lease;
    const workDir = workDirOf(store, jobId);
    mkdirSync(workDir, { recursive: true });
    const { engine, hub, logLevel } = config;
    const about = {
      jobId,
      kind,
      input,
      workDir,
      blobsDir: store.blobsDir,
      cacheDir: store.cacheDir,
      zooDir: options.zooDir,
      engine,
      hub,
      logLevel,
    };
    const process = startProcess(options.entry ?? childRoot, config.jobs.memoryMiB, about, (message) => hear(lease, message));
    const job: Running = { lease, process };
    running.set(jobId, job);
    log.info({ job: jobId, attempt: lease.attempt, kind }, 'job started');
    const end = process.outcome.then((outcome) => finish(job, outcome)).finally(() => ended.delete(end));
    ended.add(end);
  };

  const renew = (job: Running): void => {
    const state = queue.renew(job.lease, Date.now());
    if (state === 'held' || job.ending) return;
    job.ending = state === 'lost' ? 'lost' : 'cancel';
    if (state === 'lost') job.process.kill();
    else job.process.end(limits.jobCancelGraceMs);
  };

  function tick(): void {
    try {
      // Own leases first: after the machine has slept they have lapsed, and nobody else may take them up.
      for (const job of running.values()) renew(job);
      if (stopped) return;
      while (running.size < config.jobs.concurrency) {
        const lease = queue.lease(Date.now(), accepts);
        if (!lease) return;
        start(lease);
      }
    } catch (error) {
      log.error({ err: error }, 'the queue could not be read');
    }
  }

  // The queue calls inside of the transaction that queues the job.
  const forget = queue.onWork(() => void setImmediate(tick));
  const timer = setInterval(tick, limits.jobLeaseMs / 3);
  tick();

  return {
    wake: tick,
    stop: async ({ graceMs }) => {
      stopped = true;
      forget();
      for (const job of running.values()) {
        job.ending ??= 'stop';
        job.process.end(graceMs);
      }
      await Promise.all(ended);
      await queue.settled();
      clearInterval(timer);
    },
  };
}
