import type { OpenAPIHono } from '@hono/zod-openapi';
import { pino, type Logger } from 'pino';
import type { Config } from '../config.ts';
import { listZoo } from '../formats/zoo.ts';
import { createApp } from '../http/app.ts';
import type { Env } from '../http/router.ts';
import { createLocalQueue } from '../jobs/local.ts';
import { startSupervisor } from '../jobs/supervisor.ts';
import { settle } from '../services/settle.ts';
import { acquireDataDir } from '../store/owner.ts';
import { openStore } from '../store/store.ts';
import { engineProbe } from './engine-probe.ts';
import { zooDir } from './zoo.ts';

export interface Service {
  readonly app: OpenAPIHono<Env>;
  readonly log: Logger;
  /** Runs a job that {@link openService}'s `accepts` has come to accept. */
  wake(): void;
  /** Tells other processes where the server listens. */
  publish(url: string): void;
  /** Lets running jobs write their checkpoints' end for `graceMs`, stops them, and gives the data directory back. */
  close(graceMs: number): Promise<void>;
}

/**
 * The whole service in this process, not listening: the one place that builds its parts.
 * @param accepts jobs that this process runs; others stay queued
 * @throws Failure `data-directory-busy`
 */
export async function openService(config: Config, accepts?: (jobId: string) => boolean): Promise<Service> {
  const log = pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: true }));
  const lock = acquireDataDir(config.dataDir, { pid: process.pid });
  const zoo = new Map((await listZoo(zooDir)).map(({ name, hash }) => [name, hash]));
  const store = openStore(config.dataDir);
  const queue = createLocalQueue(store, (error) => log.error({ err: error }, 'background work of the queue failed'));
  const supervisor = await startSupervisor({ store, queue, settle, config, zooDir, log, accepts });
  return {
    app: createApp({ context: { store, queue, zoo, downloads: config.hub.downloads }, engineInfo: engineProbe(), log }),
    log,
    wake: supervisor.wake,
    publish: lock.publish,
    close: async (graceMs) => {
      await supervisor.stop({ graceMs });
      store.close();
      lock.release();
    },
  };
}
