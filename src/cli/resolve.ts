import { existsSync } from 'node:fs';
import { z } from '@hono/zod-openapi';
import { Failure } from '../core/failure.ts';
import { dataset, datasetPage, type Dataset } from '../schema/datasets.ts';
import { job } from '../schema/jobs.ts';
import { model, modelPage, type Model } from '../schema/models.ts';
import { follow, type Session } from './session.ts';
import { uploadOf } from './pack.ts';

const modelOrJob = z.union([model, job]);
const datasetOrJob = z.union([dataset, job]);

export interface ModelOptions {
  readonly name?: string;
  readonly architecture?: string;
}

/** Whether a model is named by where it can be brought from. */
const isSource = (spec: string): boolean => /^(zoo:|hf:|https?:\/\/)/.test(spec);

/** Registers a file, folder, `zoo:NAME`, `hf:ORG/NAME[@REVISION]` or https address; one that is known already is not read again. */
export async function addModel(session: Session, spec: string, { name, architecture }: ModelOptions = {}): Promise<Model> {
  const send = async () => {
    if (isSource(spec)) return session.client.post('/models', { source: spec, name, architecture }, modelOrJob);
    const { fileName, body } = await uploadOf([spec]);
    return session.client.send(`/models?${query({ fileName, name, architecture })}`, body, modelOrJob);
  };
  const answer = await send();
  if (!('state' in answer)) return answer;
  const done = await follow(session, answer.id);
  return session.client.get(linkOf(done, 'model'), model);
}

export interface DatasetOptions {
  readonly name?: string;
  readonly exclude?: string;
  readonly seed?: number;
}

/** Registers an archive, an image folder or the files of an IDX pair. */
export async function addDataset(session: Session, paths: readonly string[], options: DatasetOptions = {}): Promise<Dataset> {
  const { fileName, body } = await uploadOf(paths);
  const answer = await session.client.send(`/datasets?${query({ fileName, ...options })}`, body, datasetOrJob);
  if (!('state' in answer)) return answer;
  const done = await follow(session, answer.id);
  return session.client.get(linkOf(done, 'dataset'), dataset);
}

/** A model by id, name, source ({@link addModel}) or path; the last two are registered on the way. */
export async function resolveModel(session: Session, spec: string, options?: ModelOptions): Promise<Model> {
  if (spec.startsWith('mdl_')) return session.client.get(`/models/${spec}`, model);
  if (isSource(spec) || existsSync(spec)) return addModel(session, spec, options);
  const named = (await everyModel(session)).find(({ name }) => name === spec);
  if (named) return named;
  throw new Failure('not-found', `There is no model, file or zoo backbone called ${spec}.`, {
    hint: 'List the models with: espalier model ls',
    field: 'model',
  });
}

/** A dataset by id, name or path; the last is registered on the way. */
export async function resolveDataset(session: Session, spec: string, options: Pick<DatasetOptions, 'exclude'> = {}): Promise<Dataset> {
  if (!spec.startsWith('dst_') && existsSync(spec)) return addDataset(session, [spec], options);
  if (options.exclude !== undefined) {
    throw new Failure('invalid-request', `${spec} is registered already, with all the classes that it has.`, {
      hint: 'Give --exclude with the archive or folder itself.',
      field: 'exclude',
    });
  }
  if (spec.startsWith('dst_')) return session.client.get(`/datasets/${spec}`, dataset);
  const { items } = await session.client.get('/datasets?limit=200', datasetPage);
  const named = items.find(({ name }) => name === spec);
  if (named) return named;
  throw new Failure('not-found', `There is no dataset or file called ${spec}.`, {
    hint: 'List the datasets with: espalier dataset ls',
    field: 'dataset',
  });
}

/** Every registered model, newest first. */
export async function everyModel(session: Session): Promise<Model[]> {
  const all: Model[] = [];
  let next: string | null = '';
  while (next !== null) {
    const page: z.infer<typeof modelPage> = await session.client.get(
      `/models?${query({ limit: 200, after: next || undefined })}`,
      modelPage,
    );
    all.push(...page.items);
    next = page.next;
  }
  return all;
}

/** The link that a finished job gives by this name. */
export function linkOf(done: z.infer<typeof job>, name: string): string {
  const link = done.result?.[name];
  if (link === undefined) throw new Error(`Job ${done.id} (${done.state}) has no link "${name}".`);
  return link;
}

/** A query string of the values that are given. */
export function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) search.set(name, String(value));
  return search.toString();
}
