import { readModel } from '../../formats/models/index.ts';
import { readZoo } from '../../formats/zoo.ts';
import type { JobHandler } from '../types.ts';
import { registerable } from './models.ts';

/** Reads an uploaded file or a starter backbone, profiles its weights and stores it. */
export const importModel: JobHandler<'import-model'> = async ({ input, blobs, progress, zooDir }) => {
  const { source, name } = input;
  progress({ phase: 'read model', done: 0, total: 1 });
  const read = source.kind === 'zoo' ? await fromZoo(zooDir, source.name) : await fromUpload(await blobs.localPath(source.blob), source);
  const network = name === undefined ? read.network : { ...read.network, metadata: { ...read.network.metadata, name } };
  return registerable(blobs, network, { ...read, onProgress: progress });
};

async function fromZoo(zooDir: string, name: string) {
  const { network, card } = await readZoo(zooDir, name);
  return { network, format: 'zoo' as const, sourceAccuracy: card.accuracy.value, licence: card.licence };
}

async function fromUpload(path: string, { fileName, architecture }: { fileName: string; architecture?: string }) {
  return readModel(path, { fileName, architecture });
}
