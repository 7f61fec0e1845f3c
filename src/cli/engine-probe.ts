import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { Failure } from '../core/failure.ts';
import { tsx } from '../jobs/process.ts';
import { engineReport, type EngineReport } from '../schema/common.ts';

export const repository = fileURLToPath(new URL('../..', import.meta.url));
const root = fileURLToPath(new URL('engine-root.ts', import.meta.url));

const setupRecord = z.object({ reason: z.string() });
/**
 * What jobs will run on, asked once of a process of its own: the server never loads TensorFlow, which would block its
 * event loop and hold its memory.
 * @returns a function that fails with `engine-unavailable`
 */
export function engineProbe(): () => Promise<EngineReport> {
  let asked: Promise<EngineReport> | undefined;
  const ask = async (): Promise<EngineReport> => {
    try {
      const { stdout } = await promisify(execFile)(process.execPath, ['--import', tsx, root, ...setupReason()]);
      return engineReport.parse(JSON.parse(stdout));
    } catch (cause) {
      asked = undefined;
      const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim().split('\n').at(-1) : undefined;
      throw new Failure('engine-unavailable', 'No engine could be started.', { hint: said ?? 'Run: espalier engine install', cause });
    }
  };
  return () => (asked ??= ask());
}

/** What the set-up did about the engine, and why; nothing before it ran. */
function setupReason(): string[] {
  const record = `${repository}/.cache/engine.json`;
  return existsSync(record) ? [setupRecord.parse(JSON.parse(readFileSync(record, 'utf8'))).reason] : [];
}
