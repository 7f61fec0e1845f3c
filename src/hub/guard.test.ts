import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { exchange } from './exchange.ts';
import { admit, guardedLookup } from './guard.ts';

const home = new URL('http://127.0.0.1:9000');
const wire = { backoffMs: 1, onRetry: () => undefined };

it.each([
  ['http://example.com/x', 'not https'],
  ['ftp://example.com/x', 'not https'],
  ['file:///etc/passwd', 'not https'],
  ['https://name:secret@example.com/x', 'would be stored'],
  ['https://127.0.0.1/x', 'no public address'],
  ['https://0x7f.1/x', 'no public address'],
  ['https://2130706433/x', 'no public address'],
  ['https://0.0.0.0/x', 'no public address'],
  ['https://10.1.2.3/x', 'no public address'],
  ['https://172.16.0.1/x', 'no public address'],
  ['https://192.168.1.1/x', 'no public address'],
  ['https://169.254.169.254/latest/meta-data', 'no public address'],
  ['https://100.64.0.1/x', 'no public address'],
  ['https://224.0.0.1/x', 'no public address'],
  ['https://255.255.255.255/x', 'no public address'],
  ['https://[::1]/x', 'no public address'],
  ['https://[::]/x', 'no public address'],
  ['https://[fe80::1]/x', 'no public address'],
  ['https://[fd00::1]/x', 'no public address'],
  ['https://[ff02::1]/x', 'no public address'],
  ['https://[::ffff:127.0.0.1]/x', 'no public address'],
  ['https://[::ffff:a00:1]/x', 'no public address'],
  ['https://[64:ff9b::7f00:1]/x', 'no public address'],
  ['https://[2002:7f00:1::]/x', 'no public address'],
])('does not fetch from %s', (address, why) => {
  const refusal = expect.objectContaining({ code: 'forbidden', message: expect.stringContaining(why) });
  expect(() => admit(new URL(address), undefined)).toThrow(refusal);
  expect(() => admit(new URL(address), new URL('https://hub.example'))).toThrow(refusal);
});

it('fetches from public https addresses, from home wherever it lies, and from this machine where home does', () => {
  admit(new URL('https://example.com/x'), undefined);
  admit(new URL('https://1.1.1.1/x'), undefined);
  admit(new URL('https://[2606:4700::1111]/x'), undefined);
  admit(new URL('https://10.0.0.5/api'), new URL('https://10.0.0.5'));
  admit(new URL('http://127.0.0.1:9000/api'), home);
  admit(new URL('http://localhost:9001/file'), home);
  expect(() => admit(new URL('http://example.com/x'), home)).toThrow('not https');
  expect(() => admit(new URL('https://10.0.0.5/x'), home)).toThrow('no public address');
});

const resolved = (address: string, hostHome: URL | undefined, answers: { address: string; family: number }[], all: boolean) =>
  new Promise((resolve, reject) => {
    const lookup = guardedLookup(new URL(address), hostHome, (_name, _options, callback) => callback(null, answers));
    lookup('a.example', { all }, (error, found) => (error ? reject(error) : resolve(found)));
  });

it('connects to none but the public addresses of a name', async () => {
  const inside = { address: '10.0.0.1', family: 4 };
  const mapped = { address: '::ffff:192.168.0.1', family: 6 };
  const outside = { address: '93.184.216.34', family: 4 };
  expect(await resolved('https://a.example', undefined, [inside, mapped, outside], true)).toEqual([outside]);
  expect(await resolved('https://a.example', undefined, [inside, outside], false)).toBe(outside.address);
  await expect(resolved('https://a.example', undefined, [inside, mapped], true)).rejects.toMatchObject({ code: 'forbidden' });
  expect(await resolved('https://a.example', new URL('https://a.example'), [inside], true)).toEqual([inside]);
  await expect(resolved('https://a.example', new URL('https://b.example'), [inside], true)).rejects.toMatchObject({ code: 'forbidden' });
});

it('looks at the address again when it connects, and at each redirect', async () => {
  const server = createServer((request, response) => {
    response.writeHead(302, { location: new URL(request.url ?? '', 'http://x').searchParams.get('to') ?? '' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const signal = AbortSignal.timeout(10_000);
  try {
    // A name that passes by its look; only the look-up shows where it leads.
    await expect(exchange(new URL(`https://localhost:${port}/`), {}, { ...wire, signal })).rejects.toMatchObject({ code: 'forbidden' });
    const own = new URL(`http://127.0.0.1:${port}`);
    const redirected = (to: string) => exchange(new URL(`/?to=${encodeURIComponent(to)}`, own), {}, { ...wire, signal, home: own });
    for (const to of ['http://example.com/', 'https://169.254.169.254/', 'file:///etc/passwd', 'https://[::ffff:10.0.0.1]/']) {
      await expect(redirected(to)).rejects.toMatchObject({ code: 'forbidden' });
    }
    await expect(redirected('http://[')).rejects.toMatchObject({ code: 'download-failed' });
    const circle = exchange(new URL(`/?to=${encodeURIComponent('/?to=')}`, own), {}, { ...wire, signal, home: own });
    await expect(circle).rejects.toMatchObject({ code: 'download-failed', message: expect.stringContaining('more than 5 times') });
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
