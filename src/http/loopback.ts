import type { MiddlewareHandler } from 'hono';
import { Failure } from '../core/failure.ts';

/** Whether a host name can only mean this machine. */
export const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);

/**
 * Without authentication only programs of this machine may call; a web page that is open in a browser here is not one of them.
 * Refuses foreign names that resolve to this machine (DNS rebinding) and requests by which a page of another site would change something.
 */
export const fromThisMachine: MiddlewareHandler = async (c, next) => {
  const { hostname } = new URL(c.req.url);
  if (!isLoopback(hostname)) {
    throw new Failure('forbidden', `This server does not answer to the name ${hostname}.`, {
      hint: 'Call it as localhost or 127.0.0.1.',
      field: 'host',
    });
  }
  const site = c.req.header('sec-fetch-site');
  // Reading does no harm: a page of another site is not shown what it gets.
  const changes = c.req.method !== 'GET' && c.req.method !== 'HEAD';
  if (changes && (site === 'cross-site' || site === 'same-site')) {
    throw new Failure('forbidden', 'Pages of other sites may not call this server.', {
      hint: 'Call it from a program, or open /docs here.',
      field: 'sec-fetch-site',
    });
  }
  await next();
};
