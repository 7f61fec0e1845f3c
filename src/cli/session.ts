import { loadConfig } from '../config.ts';
import { Failure } from '../core/failure.ts';
import type { Job } from '../schema/jobs.ts';
import { newId } from '../store/ids.ts';
import { readOwner } from '../store/owner.ts';
import { createClient, type Client, type WatchOptions } from './client.ts';
import { openProgressLine } from './progress.ts';
import { openService } from './service.ts';

/** Time that a running job gets to end by itself when the command is interrupted. */
const GRACE_MS = 2000;

export type BoardOf = (data: Readonly<Record<string, unknown>>) => string | undefined;

/** What every command works with. */
export interface Session {
  readonly client: Client;
  readonly json: boolean;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  /** Goes on with a job that an earlier command left; a server does so by itself. */
  resume(jobId: string): void;
  close(): Promise<void>;
}

/** Talks to the server that owns the data directory, or runs the same service in this process. */
export async function openSession({ json }: { json: boolean }): Promise<Session> {
  const config = loadConfig();
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const detach = (): void => {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  };
  const url = readOwner(config.dataDir)?.url;
  if (url !== undefined) {
    const client = createClient((path, init) => fetch(url + path, init));
    return { client, json, signal: interruption.signal, resume: () => undefined, close: async () => detach() };
  }
  // An interrupted job of yesterday must not start because somebody lists models: this process runs its own jobs, and
  // those it is told to resume. Ids are in the order of time.
  const started = newId('job');
  const resumed = new Set<string>();
  const accepts = (jobId: string): boolean => jobId > started || resumed.has(jobId);
  // What a person sees of a command is its own words; the log of the service below is for trouble.
  const service = await openService({ ...config, logLevel: config.logLevel === 'info' ? 'error' : config.logLevel }, accepts);
  const client = createClient(async (path, init) => service.app.request(path, init));
  return {
    client,
    json,
    signal: interruption.signal,
    resume: (jobId) => {
      resumed.add(jobId);
      service.wake();
    },
    close: async () => {
      detach();
      await service.close(GRACE_MS);
    },
  };
}

/**
 * Shows a job's progress until it ends.
 * @param boardOf what a line of the job's history changes of the board below it; undefined for a line that is written as it is
 * @throws the Failure of the job; `cancelled` on Ctrl-C, saying what is kept and how to go on
 */
export async function follow({ client, signal, resume }: Session, jobId: string, boardOf: BoardOf = () => undefined): Promise<Job> {
  resume(jobId);
  const line = openProgressLine();
  try {
    const onLog: WatchOptions['onLog'] = (text, data) => {
      const board = boardOf(data);
      if (board === undefined || !line.show(board)) line.note(`  ${text}`);
    };
    const done = await client.watch(jobId, { signal, onProgress: line.update, onLog });
    if (done.state === 'succeeded') return done;
  } finally {
    line.stop();
  }
  throw new Failure('cancelled', `Stopped. ${jobId} is kept with what it has finished so far.`, {
    hint: `Go on with: espalier job wait ${jobId}   Drop it with: espalier job cancel ${jobId}`,
  });
}
