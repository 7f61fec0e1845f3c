import type { AddressInfo } from 'node:net';
import { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { Failure } from '../core/failure.ts';
import { isLoopback } from './loopback.ts';
import type { Env } from './router.ts';

export interface RunningServer {
  /** Where it listens, e.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Takes no new requests, lets those under way end for `graceMs`, then cuts them off. */
  close(graceMs?: number): Promise<void>;
}

const GRACE_MS = 5000;

/** Listens. Fails with `invalid-request` for a host that others can reach, and with `conflict` when the port is taken. */
export async function startServer({ app, host, port }: { app: OpenAPIHono<Env>; host: string; port: number }): Promise<RunningServer> {
  if (!isLoopback(host)) {
    throw new Failure('invalid-request', `${host} can be reached from other machines, and this version knows no authentication.`, {
      hint: 'Listen on 127.0.0.1, and put a proxy that authenticates in front of it.',
      field: 'host',
    });
  }
  // A large upload over a slow line takes longer than Node's five minutes.
  const server = createAdaptorServer({ fetch: app.fetch, hostname: host, serverOptions: { requestTimeout: 0 } });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    throw new Failure('conflict', `Port ${port} is in use.`, { hint: 'Choose another with --port.', field: 'port', cause: error });
  });
  const address = server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `http://${name}:${address.port}`,
    close: (graceMs = GRACE_MS) =>
      new Promise((resolve, reject) => {
        const cut = setTimeout(() => server instanceof Server && server.closeAllConnections(), graceMs);
        server.close((error) => {
          clearTimeout(cut);
          if (error) reject(error);
          else resolve();
        });
      }),
  };
}
