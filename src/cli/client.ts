import type { z } from '@hono/zod-openapi';
import { Failure, type FailureCode } from '../core/failure.ts';
import type { Progress } from '../core/progress.ts';
import { problem } from '../schema/common.ts';
import { job, jobEventPage, type Job } from '../schema/jobs.ts';

/** How often a waiting command looks for news of its job. */
const POLL_MS = 150;

/** Sends one request of the API: over HTTP to a server, or straight into the application in this process. */
export type Transport = (path: string, init?: RequestInit) => Promise<Response>;

export interface WatchOptions {
  readonly onProgress?: (progress: Progress) => void;
  readonly onLog?: (message: string, data: Readonly<Record<string, unknown>>) => void;
  readonly signal?: AbortSignal;
}

/** The API as the commands use it. Every problem comes back as the Failure that it was made from. */
export interface Client {
  get<S extends z.ZodType>(path: string, schema: S): Promise<z.infer<S>>;
  post<S extends z.ZodType>(path: string, body: unknown, schema: S): Promise<z.infer<S>>;
  /** Sends a file (as a stream: nothing is held in memory) or a form as the body. */
  send<S extends z.ZodType>(path: string, body: ReadableStream<Uint8Array> | FormData, schema: S): Promise<z.infer<S>>;
  /** @param accept the media type, where there are several */
  bytes(path: string, accept?: string): Promise<Uint8Array>;
  /** A file where it is there, and else the job that makes it. */
  file(path: string): Promise<Uint8Array | Job>;
  remove(path: string): Promise<void>;
  /** Follows a job to its end; fails as the job failed. When `signal` aborts, it stops watching and the job goes on. */
  watch(jobId: string, options: WatchOptions): Promise<Job>;
}

/** @throws Failure with the code, hint and field of the problem that the server answered. */
export function createClient(transport: Transport): Client {
  const request = async (path: string, init?: RequestInit): Promise<Response> => {
    const response = await transport(path, init);
    if (response.ok) return response;
    const answered = problem.safeParse(await response.json().catch(() => undefined));
    if (!answered.success) throw new Error(`${init?.method ?? 'GET'} ${path} answered ${response.status} without a problem document.`);
    const { code, detail, hint, field } = answered.data;
    // A server's codes are FailureCodes; one from a newer server still prints.
    throw new Failure(code as FailureCode, detail, { hint, field });
  };
  const json = async <S extends z.ZodType>(path: string, schema: S, init?: RequestInit): Promise<z.infer<S>> =>
    schema.parse(await (await request(path, init)).json());

  return {
    get: (path, schema) => json(path, schema),
    post: (path, body, schema) =>
      json(path, schema, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    send: (path, body, schema) => {
      // A form brings its own content type.
      const headers = body instanceof FormData ? {} : { 'content-type': 'application/octet-stream' };
      return json(path, schema, { method: 'POST', headers, body, duplex: 'half' } as RequestInit);
    },
    bytes: async (path, accept) =>
      new Uint8Array(await (await request(path, accept === undefined ? undefined : { headers: { accept } })).arrayBuffer()),
    file: async (path) => {
      const answer = await request(path);
      return answer.status === 202 ? job.parse(await answer.json()) : new Uint8Array(await answer.arrayBuffer());
    },
    remove: async (path) => void (await request(path, { method: 'DELETE' })),
    watch: async (jobId, { onProgress, onLog, signal }) => {
      let after = 0;
      for (;;) {
        const now = await json(`/jobs/${jobId}`, job);
        const events = await json(`/jobs/${jobId}/events?after=${after}`, jobEventPage);
        after = events.next;
        for (const { type, data } of events.items) if (type === 'log') onLog?.(String(data['message']), data);
        if (now.progress && now.state === 'running') onProgress?.(now.progress);
        if (now.state === 'succeeded') return now;
        if (now.error) throw new Failure(now.error.code as FailureCode, now.error.detail, now.error);
        if (now.state === 'cancelled') throw new Failure('cancelled', `Job ${jobId} was cancelled.`);
        if (signal?.aborted) return now;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
  };
}
