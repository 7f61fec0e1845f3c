import { join } from 'node:path';
import { Failure } from '../../core/failure.ts';
import { readModel } from '../../formats/models/index.ts';
import {
  addressOf,
  fetchDocument,
  findRepository,
  hubRefusal,
  type HubWire,
  modelFileOf,
  type Repository,
  toldByConfig,
  type Wire,
  withDownload,
} from '../../hub/index.ts';
import { limits } from '../../limits.ts';
import type { ImportSource, JobContext } from '../types.ts';
import type { Read, Unchanged } from './import-model.ts';

type Context = JobContext<'import-model'>;

/** How this job's requests go out, where they may: it may have been queued before downloads were turned off. */
function wireOf({ hub, signal, log }: Context): Wire {
  if (!hub.downloads)
    throw new Failure('forbidden', 'Downloads have been turned off.', { hint: 'Set ESPALIER_DOWNLOADS=on to allow them.' });
  return {
    signal: AbortSignal.any([signal, AbortSignal.timeout(limits.downloadMsMax)]),
    backoffMs: limits.downloadBackoffMs,
    onRetry: (message) => log(message),
  };
}

/** The model that this version was imported as before. */
const unchanged = ({ input: { known = [] } }: Context, version: string): Unchanged | undefined =>
  known.find((one) => one.version === version);

const places = ({ cache, workDir }: Context) => ({ cache, folder: join(workDir, 'download') });

/** config.json of timm's repositories; of others it is read all the same, and tells nothing. */
const CONFIG = 'config.json';

async function configOf(repository: Repository, wire: HubWire) {
  const there = repository.files.includes(CONFIG);
  const text = there ? await fetchDocument(addressOf(repository, CONFIG, wire), wire, hubRefusal(repository.name, wire)) : new Uint8Array();
  return toldByConfig(new TextDecoder().decode(text));
}

/**
 * A model of a hub's repository, at the commit that the revision is now; nothing is downloaded where it is that commit still.
 * @throws what findRepository, modelFileOf, withDownload and readModel throw
 */
export async function fromHub(context: Context, source: Extract<ImportSource, { kind: 'hub' }>): Promise<Read | Unchanged> {
  const { hub, log, progress } = context;
  const wire: HubWire = { ...wireOf(context), home: new URL(hub.endpoint), token: hub.token };
  progress({ phase: `ask for ${source.repository}`, done: 0, total: 1 });
  const repository = await findRepository(source.repository, source.revision, wire);
  const { name, commit } = repository;
  const same = unchanged(context, commit);
  if (same) return same;
  const file = modelFileOf(repository, source.file);
  log(`${file} of ${name} at commit ${commit.slice(0, 12)} is taken.`);
  const { assumptions, licence, ...told } = await configOf(repository, wire);
  const about = { fileName: file, ...told, ...(source.architecture !== undefined && { architecture: source.architecture }) };
  const wanted = {
    url: addressOf(repository, file, wire),
    fileName: file,
    bytesMax: limits.modelBytesMax,
    immutable: true,
    refusal: hubRefusal(name, wire),
    onProgress: progress,
  };
  const { network, format } = await withDownload(places(context), wanted, wire, ({ path }) => readModel(path, about));
  const metadata = {
    ...network.metadata,
    name: name.slice(name.indexOf('/') + 1),
    ...(assumptions.length > 0 && { assumptions: [...(network.metadata.assumptions ?? []), ...assumptions] }),
  };
  return {
    network: { ...network, metadata },
    format,
    licence: repository.licence ?? licence,
    origin: `hf:${name}/${file}@${commit}`,
    version: commit,
  };
}

/**
 * A model file of any public address.
 * @throws what withDownload and readModel throw; `not-found`, `forbidden` or `download-failed` by the status that comes back
 */
export async function fromAddress(context: Context, source: Extract<ImportSource, { kind: 'url' }>): Promise<Read | Unchanged> {
  const url = new URL(source.url);
  const fileName = decodeURIComponent(url.pathname.split('/').at(-1) || url.hostname);
  const wire = wireOf(context);
  const wanted = {
    url,
    fileName,
    bytesMax: limits.modelBytesMax,
    immutable: false,
    refusal: ({ status }: { status: number }) => addressRefusal(url, status),
    onProgress: context.progress,
  };
  return withDownload(places(context), wanted, wire, async ({ path, sha256 }) => {
    const same = unchanged(context, sha256);
    if (same) return same;
    const read = await readModel(path, { fileName, architecture: source.architecture });
    // What follows the question mark may be a signature.
    return { ...read, origin: `${url.origin}${url.pathname}`, version: sha256 };
  });
}

function addressRefusal({ host, pathname }: URL, status: number): Failure {
  const code = status === 404 || status === 410 ? 'not-found' : status === 401 || status === 403 ? 'forbidden' : 'download-failed';
  return new Failure(code, `${host} answered ${status} for ${pathname}.`, {
    hint: 'Give the address of the model file itself, readable for everybody.',
    field: 'source',
  });
}
