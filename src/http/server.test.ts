import { connect } from 'node:net';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { onError } from './errors.ts';
import { createRouter, incoming } from './router.ts';
import { startServer } from './server.ts';

const app = createRouter();
app.get('/slow', async (c) => {
  await new Promise((resolve) => setTimeout(resolve, 200));
  return c.text('done');
});
app.get('/endless', (c) => c.body(new ReadableStream({ start: (to) => to.enqueue(new TextEncoder().encode('begun')) })));

test.each(['0.0.0.0', '::', '192.168.1.9', 'example.org', '127.0.0.1.example.org'])('refuses to listen on %s', async (host) => {
  await expect(startServer({ app, host, port: 0 })).rejects.toMatchObject({ code: 'invalid-request', field: 'host' });
});

test('says that a port is taken', async () => {
  const first = await startServer({ app, host: '127.0.0.1', port: 0 });
  const port = Number(new URL(first.url).port);
  await expect(startServer({ app, host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'conflict', field: 'port' });
  await first.close();
});

test('lets requests end when it closes, and cuts off those that do not', async () => {
  const server = await startServer({ app, host: '127.0.0.1', port: 0 });
  const endless = await fetch(`${server.url}/endless`);
  const slow = fetch(`${server.url}/slow`).then((answer) => answer.text());
  await new Promise((resolve) => setTimeout(resolve, 50));
  const closed = server.close(400);
  expect(await slow).toBe('done');
  await closed;
  await expect(endless.text()).rejects.toThrow();
  await expect(fetch(`${server.url}/slow`)).rejects.toThrow();
});

test('a caller who goes away in the midst of a body is no defect of the server', async () => {
  const lines: string[] = [];
  const statuses: number[] = [];
  let gone = (): void => undefined;
  const wentAway = new Promise<void>((resolve) => (gone = resolve));
  const uploads = createRouter();
  uploads.onError(onError(pino({}, { write: (line: string) => lines.push(line) })));
  uploads.use(async (c, next) => {
    await next();
    statuses.push(c.res.status);
    gone();
  });
  uploads.post('/upload', async (c) => {
    let bytes = 0;
    for await (const chunk of incoming(c)) bytes += chunk.length;
    return c.text(String(bytes));
  });
  const server = await startServer({ app: uploads, host: '127.0.0.1', port: 0 });
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => {
    socket.write('POST /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nbegun');
    setTimeout(() => socket.destroy(), 50);
  });
  await wentAway;
  expect(statuses).toEqual([409]);
  expect(lines).toEqual([]);
  await server.close();
});
