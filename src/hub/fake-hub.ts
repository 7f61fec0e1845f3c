// A hub on this machine for the tests: one server that lists repositories and redirects to another that holds the files, with the
// faults that networks have.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Fault =
  /** Breaks the connection after half of what is due. */
  | 'broken'
  | 'busy'
  | 'corrupt'
  | 'endless'
  | 'silent'
  /** Answers with the whole file whatever range was asked for, as after a change of it. */
  | 'changed';

export interface FakeHub {
  /** The hub's endpoint. */
  readonly url: string;
  /** Where the large files are: another origin. */
  readonly storeUrl: string;
  /** Everything that was asked for, `METHOD path`, with the headers that matter. */
  readonly asked: { readonly what: string; readonly authorization: string | undefined; readonly range: string | undefined }[];
  /** Bytes of file bodies that were sent. */
  sentBytes(): number;
  /** Each is taken by one request for a large file, in order. */
  readonly faults: Fault[];
  /** Repositories by name. */
  readonly repositories: Map<string, FakeRepository>;
  close(): Promise<void>;
}

export interface FakeRepository {
  readonly commit: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly tags?: readonly string[];
  readonly token?: string;
}

/** Smaller files are answered by the hub itself. */
const LARGE_BYTES = 1000;

const hashOf = (algorithm: string, bytes: Uint8Array): string => createHash(algorithm).update(bytes).digest('hex');

async function listen(listener: RequestListener): Promise<{ server: Server; port: number }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

const ended = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

export async function startFakeHub(): Promise<FakeHub> {
  const repositories: FakeHub['repositories'] = new Map();
  const blobs = new Map<string, Uint8Array>();
  const asked: FakeHub['asked'] = [];
  const faults: Fault[] = [];
  let sent = 0;

  const note = ({ method, url, headers }: IncomingMessage): void =>
    void asked.push({ what: `${method} ${url}`, authorization: headers.authorization, range: headers.range });

  const refuse = (response: ServerResponse, status: number, code?: string): void =>
    void response.writeHead(status, code === undefined ? {} : { 'x-error-code': code }).end('{"error":"no"}');

  const store = await listen((request, response) => {
    note(request);
    const { pathname } = new URL(request.url ?? '', 'http://store');
    const bytes = blobs.get(pathname.slice(1));
    const fault = faults.shift();
    if (!bytes) return refuse(response, 404);
    if (fault === 'busy') return void response.writeHead(429, { 'retry-after': '0' }).end();
    if (fault === 'silent') return undefined;
    if (fault === 'endless') {
      response.writeHead(200);
      const pour = (): void => void (response.destroyed || response.write(Buffer.alloc(65_536), () => setImmediate(pour)));
      return pour();
    }
    const etag = `"${fault === 'changed' ? 'other' : pathname.slice(1, 17)}"`;
    if (request.headers['if-none-match'] === etag) return void response.writeHead(304, { etag }).end();
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const ranged = request.headers.range !== undefined && request.headers['if-range'] === etag;
    if (ranged && from >= bytes.length) return refuse(response, 416);
    const part = Buffer.from(ranged ? bytes.subarray(from) : bytes);
    if (fault === 'corrupt') part[0] ^= 1;
    const range = ranged ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {};
    response.writeHead(ranged ? 206 : 200, { etag, 'content-length': part.length, ...range });
    const due = fault === 'broken' ? part.subarray(0, Math.ceil(part.length / 2)) : part;
    sent += due.length;
    response.write(due, () => (fault === 'broken' ? response.socket?.destroySoon() : response.end()));
  });
  const storeUrl = `http://localhost:${store.port}`;

  const list = (response: ServerResponse, { commit, files, tags = [] }: FakeRepository): void => {
    const siblings = Object.keys(files).map((rfilename) => ({ rfilename }));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ sha: commit, siblings, tags }));
  };

  const resolve = (response: ServerResponse, bytes: Uint8Array): void => {
    if (bytes.length < LARGE_BYTES) {
      sent += bytes.length;
      return void response.writeHead(200, { etag: `"${hashOf('sha1', bytes)}"`, 'content-length': bytes.length }).end(bytes);
    }
    const hash = hashOf('sha256', bytes);
    blobs.set(hash, bytes);
    const linked = { 'x-linked-etag': `"${hash}"`, 'x-linked-size': bytes.length };
    response.writeHead(302, { location: `${storeUrl}/${hash}?signature=of-the-hub`, ...linked }).end();
  };

  const hub = await listen((request, response) => {
    note(request);
    const path = (request.url ?? '').split('/').map(decodeURIComponent);
    const [name, kind, revision, ...file] =
      path[1] === 'api' ? [`${path[3]}/${path[4]}`, path[5], path[6]] : [`${path[1]}/${path[2]}`, path[3], path[4], ...path.slice(5)];
    const repository = repositories.get(name);
    const authorization = request.headers.authorization;
    if (!repository) return refuse(response, authorization === undefined ? 401 : 404, 'RepoNotFound');
    if (repository.token !== undefined && authorization !== `Bearer ${repository.token}`) return refuse(response, 403, 'GatedRepo');
    if (revision !== 'main' && revision !== repository.commit) return refuse(response, 404, 'RevisionNotFound');
    if (kind === 'revision') return list(response, repository);
    const bytes = repository.files[file.join('/')];
    return bytes ? resolve(response, bytes) : refuse(response, 404, 'EntryNotFound');
  });

  return {
    url: `http://127.0.0.1:${hub.port}`,
    storeUrl,
    asked,
    sentBytes: () => sent,
    faults,
    repositories,
    close: async () => void (await Promise.all([ended(hub.server), ended(store.server)])),
  };
}
