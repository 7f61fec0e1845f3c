import { expect, test } from 'vitest';
import { createRouter } from './router.ts';
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
