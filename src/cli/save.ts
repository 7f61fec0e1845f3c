import { pc } from './colour.ts';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '../core/failure.ts';
import { folderName, DEFAULT_FOLDER, saveFolder, type SavedFolder } from './folder.ts';
import { openArchive } from '../formats/archive.ts';
import { contentPath, type ExportFormat, type Model, modelExports } from '../schema/models.ts';
import { follow, type Session } from './session.ts';

export interface SavedArtifact extends SavedFolder {
  /** Formats that cannot hold one of the model's layers, and which. */
  readonly leftOut: readonly string[];
}

/**
 * Writes a model as tfjs LayersModel, ONNX and Keras files, and the given files beside them, into a folder of its own
 * (default `out/NAME`). The folder appears whole or not at all; a format that cannot hold the model is left out and told.
 * @throws Failure `conflict` when a thousand folders of that name exist
 */
export async function saveArtifact(
  session: Session,
  model: Model,
  folder = join(DEFAULT_FOLDER, folderName(model.name)),
  files: Readonly<Record<string, string>> = {},
): Promise<SavedArtifact> {
  const leftOut: string[] = [];
  const saved = await saveFolder(folder, files, async (unfinished) => {
    const zip = join(unfinished, '.tfjs.zip');
    await writeFile(zip, await session.client.bytes(`/models/${model.id}/content?format=tfjs`));
    for await (const entry of openArchive(zip)) {
      const path = join(unfinished, entry.name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, await entry.read());
    }
    await rm(zip);
    for (const format of ['onnx', 'keras'] as const) {
      const file = await modelFile(session, model, format).catch((error: unknown) => {
        if (!(error instanceof Failure && error.code === 'unsupported-layer')) throw error;
        leftOut.push(`no model.${format}: ${error.message}`);
      });
      if (file) await writeFile(join(unfinished, `model.${format}`), file.bytes);
    }
  });
  return { ...saved, leftOut };
}

/** `out/NAME   model.json · model.onnx · …`, and what was left out below. */
export function savedText({ folder, files, leftOut = [] }: SavedFolder & Partial<SavedArtifact>): string {
  return [`${pc.bold(folder)}   ${files.join(' · ')}`, ...leftOut.map((reason) => `  ${reason}`)].join('\n');
}

/** A model in one of its formats, and what that could not hold. */
export interface ModelFile {
  readonly bytes: Uint8Array;
  readonly losses: readonly string[];
}

/**
 * A model as one file; what was not asked for before is made by a job.
 * @throws Failure `unsupported-layer` for what the format cannot hold
 */
export async function modelFile(session: Session, { id }: Model, format: ExportFormat): Promise<ModelFile> {
  const { client } = session;
  const path = contentPath(id, format);
  let bytes = await client.file(path);
  if (!(bytes instanceof Uint8Array)) {
    await follow(session, bytes.id);
    bytes = await client.bytes(path);
  }
  const { items } = await client.get(`/models/${id}/exports`, modelExports);
  return { bytes, losses: items.find((item) => item.format === format)?.made?.losses ?? [] };
}
