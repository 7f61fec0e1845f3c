import { pc } from './colour.ts';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '../core/failure.ts';
import { openArchive } from '../formats/archive.ts';
import type { Model } from '../schema/models.ts';
import type { Session } from './session.ts';

/** Where artifacts go when no folder is named. */
const DEFAULT_FOLDER = 'out';

export interface SavedArtifact {
  readonly folder: string;
  /** Names in it. */
  readonly files: readonly string[];
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
  folder = join(DEFAULT_FOLDER, model.name.replaceAll(/[^\w.-]+/g, '-')),
  files: Readonly<Record<string, string>> = {},
): Promise<SavedArtifact> {
  const unfinished = `${folder}.part-${process.pid}`;
  await mkdir(unfinished, { recursive: true });
  try {
    const zip = join(unfinished, '.tfjs.zip');
    await writeFile(zip, await session.client.bytes(`/models/${model.id}/content?format=tfjs`));
    for await (const entry of openArchive(zip)) {
      const path = join(unfinished, entry.name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, await entry.read());
    }
    await rm(zip);
    const leftOut: string[] = [];
    for (const format of ['onnx', 'keras'] as const) {
      const bytes = await modelFile(session, model, format).catch((error: unknown) => {
        if (!(error instanceof Failure && error.code === 'unsupported-layer')) throw error;
        leftOut.push(`no model.${format}: ${error.message}`);
      });
      if (bytes) await writeFile(join(unfinished, `model.${format}`), bytes);
    }
    for (const [name, text] of Object.entries(files)) await writeFile(join(unfinished, name), text);
    const names = await readdir(unfinished);
    return { folder: await moveToFree(unfinished, folder), files: names.sort(), leftOut };
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}

/** `out/NAME   model.json · model.onnx · …`, and what was left out below. */
export function savedText({ folder, files, leftOut }: SavedArtifact): string {
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

/** Renames to the folder, or to `folder-2`, `folder-3`, … when there is one of that name: nothing is overwritten. */
async function moveToFree(from: string, folder: string): Promise<string> {
  for (let n = 1; n < 1000; n++) {
    const target = n === 1 ? folder : `${folder}-${n}`;
    try {
      await rename(from, target);
      return target;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST'))) throw error;
    }
  }
  throw new Failure('conflict', `There are 1,000 folders called ${folder}-N already.`, {
    hint: 'Name another with --out.',
    field: '--out',
  });
}
