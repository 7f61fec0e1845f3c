import { pc } from './colour.ts';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '../core/failure.ts';
import { folderName, DEFAULT_FOLDER, saveFolder, type SavedFolder } from './folder.ts';
import { openArchive } from '../formats/archive.ts';
import type { Model } from '../schema/models.ts';
import type { Session } from './session.ts';

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
      const bytes = await modelFile(session, model, format).catch((error: unknown) => {
        if (!(error instanceof Failure && error.code === 'unsupported-layer')) throw error;
        leftOut.push(`no model.${format}: ${error.message}`);
      });
      if (bytes) await writeFile(join(unfinished, `model.${format}`), bytes);
    }
  });
  return { ...saved, leftOut };
}

/** `out/NAME   model.json · model.onnx · …`, and what was left out below. */
export function savedText({ folder, files, leftOut = [] }: SavedFolder & Partial<SavedArtifact>): string {
  return [`${pc.bold(folder)}   ${files.join(' · ')}`, ...leftOut.map((reason) => `  ${reason}`)].join('\n');
}

/** Single files that a model can be exported as, and how they end. */
export const fileFormats = {
  onnx: '.onnx',
  keras: '.keras',
  safetensors: '.safetensors',
  'deep-compression': '.espdc',
  'tfjs-float16': '.zip',
  'tfjs-uint8': '.zip',
} as const;
export type FileFormat = keyof typeof fileFormats;

/**
 * A model as one file. The service sends its stored form, safetensors; the others are made of it here.
 * @throws Failure `unsupported-layer` for what the format cannot hold
 */
export async function modelFile({ client }: Session, model: Model, format: FileFormat): Promise<Uint8Array> {
  const stored = await client.bytes(`/models/${model.id}/content?format=safetensors`);
  // Loaded for exports alone: no other command should wait for the libraries of all formats.
  const { writeDeepCompression, writeKeras, writeOnnx, writeSafetensorsModel, writeTfjsZip } = await import('../formats/models/index.ts');
  const { decodeNetwork } = await import('../formats/network.ts');
  const network = decodeNetwork(stored, model.name);
  if (format === 'onnx') return writeOnnx(network);
  if (format === 'keras') return writeKeras(network);
  if (format === 'safetensors') return writeSafetensorsModel(network);
  if (format === 'deep-compression') return writeDeepCompression(network).bytes;
  return writeTfjsZip(network, format === 'tfjs-float16' ? 'float16' : 'uint8');
}
