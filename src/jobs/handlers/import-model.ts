import { readModel } from '../../formats/models/index.ts';
import { readZoo } from '../../formats/zoo.ts';
import type { Network } from '../../core/network/index.ts';
import type { ImportSource, JobContext, JobHandler } from '../types.ts';
import { fromAddress, fromHub } from './fetch-model.ts';
import { type Origin, registerable } from './models.ts';

/** A network with what its source tells of it. */
export interface Read extends Origin {
  readonly network: Network;
  readonly version?: string;
}

/** A source that holds what it held before. */
export interface Unchanged {
  readonly model: string;
}

/** Reads a model from wherever it is, profiles its weights and stores it. */
export const importModel: JobHandler<'import-model'> = async (context) => {
  const { source, name } = context.input;
  context.progress({ phase: 'read model', done: 0, total: 1 });
  const found = await readSource(source, context);
  if ('model' in found) return found;
  const { version, ...read } = found;
  const network = name === undefined ? read.network : { ...read.network, metadata: { ...read.network.metadata, name } };
  const made = await registerable(context, network, { ...read, onProgress: context.progress });
  return version === undefined ? made : { ...made, version };
};

function readSource(source: ImportSource, context: JobContext<'import-model'>): Promise<Read | Unchanged> {
  switch (source.kind) {
    case 'zoo':
      return fromZoo(context.zooDir, source.name);
    case 'upload':
      return fromUpload(context, source);
    case 'hub':
      return fromHub(context, source);
    case 'url':
      return fromAddress(context, source);
  }
}

async function fromZoo(zooDir: string, name: string): Promise<Read> {
  const { network, card } = await readZoo(zooDir, name);
  return { network, format: 'zoo', sourceAccuracy: card.accuracy.value, licence: card.licence };
}

async function fromUpload(
  { blobs }: JobContext<'import-model'>,
  { blob, fileName, architecture }: Extract<ImportSource, { kind: 'upload' }>,
): Promise<Read> {
  return readModel(await blobs.localPath(blob), { fileName, architecture });
}
