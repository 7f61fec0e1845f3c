import { availableParallelism, homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { Failure } from './core/failure.ts';
import { isLoopback } from './hub/guard.ts';

export interface Config {
  /** Absolute path. */
  readonly dataDir: string;
  readonly engine: {
    /** Undefined: the best that loads. */
    readonly backend: 'tensorflow' | 'wasm' | 'cpu' | undefined;
    /** Of one job; by default the processors are shared out among the jobs that run at once. */
    readonly threads: number;
  };
  readonly http: { readonly host: string; readonly port: number };
  readonly hub: {
    /** Off: nothing is fetched from anywhere, and requests that would need it are refused. */
    readonly downloads: boolean;
    /** Of `hf:` names; https, or http on this machine. */
    readonly endpoint: string;
    /** Sent to the endpoint alone. */
    readonly token: string | undefined;
  };
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  readonly jobs: {
    /** Jobs that run at once; each is a process with an engine of its own. */
    readonly concurrency: number;
    /** JavaScript heap of one job's process, MiB; tensors come on top. */
    readonly memoryMiB: number;
  };
}

const whole = (minimum: number, maximum: number) => {
  const message = `a whole number from ${minimum} to ${maximum}`;
  return z.coerce.number({ message }).int(message).min(minimum, message).max(maximum, message);
};

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) => z.enum(values, { message: `one of ${values.join(', ')}` });

/** The one address that may lie on a private network, because the operator names it; plain http may not leave this machine. */
const isEndpoint = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return url.username === '' && url.search === '' && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url)));
};

const variables = z.object({
  ESPALIER_DATA: z.string().optional(),
  XDG_DATA_HOME: z.string().optional(),
  ESPALIER_ENGINE: oneOf(['tensorflow', 'wasm', 'cpu']).optional(),
  ESPALIER_THREADS: whole(1, 1024).optional(),
  ESPALIER_HOST: z.string().default('127.0.0.1'),
  ESPALIER_PORT: whole(0, 65_535).default(8080),
  ESPALIER_DOWNLOADS: oneOf(['on', 'off']).default('on'),
  HF_ENDPOINT: z.string().refine(isEndpoint, 'an https address (or an http one on this machine)').default('https://huggingface.co'),
  HF_TOKEN: z.string().trim().optional(),
  ESPALIER_LOG: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  ESPALIER_JOBS: whole(1, 64).default(1),
  ESPALIER_JOB_MEMORY_MIB: whole(128, 1_048_576).default(4096),
});

/** Parses the environment. Fails with `invalid-request` naming the variable; an empty one counts as not set. */
export function loadConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = variables.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const name = String(issue.path[0]);
    throw new Failure('invalid-request', `The environment variable ${name} is "${env[name]}", not ${issue.message}.`, {
      hint: `Set it to ${issue.message}, or leave it out for the default.`,
      field: name,
    });
  }
  const values = parsed.data;
  const sharedThreads = Math.max(1, Math.floor(availableParallelism() / values.ESPALIER_JOBS));
  return {
    dataDir: resolve(values.ESPALIER_DATA ?? join(values.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'espalier')),
    engine: { backend: values.ESPALIER_ENGINE, threads: values.ESPALIER_THREADS ?? sharedThreads },
    http: { host: values.ESPALIER_HOST, port: values.ESPALIER_PORT },
    hub: { downloads: values.ESPALIER_DOWNLOADS === 'on', endpoint: values.HF_ENDPOINT, token: values.HF_TOKEN },
    logLevel: values.ESPALIER_LOG,
    jobs: { concurrency: values.ESPALIER_JOBS, memoryMiB: values.ESPALIER_JOB_MEMORY_MIB },
  };
}
