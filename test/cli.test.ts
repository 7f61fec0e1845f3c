import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildBackbone } from '../src/backbones/index.ts';
import { encodeNetwork } from '../src/formats/network.ts';
import { createRandom } from '../src/core/random.ts';

// The command as a person runs it: a process of its own, on a data directory of its own.

const executable = fileURLToPath(new URL('../bin/espalier.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'espalier-cli-'));
const SIDE = 32;

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const start = (...args: string[]): ChildProcess =>
  spawn(process.execPath, [executable, ...args], {
    cwd: folder,
    env: { ...process.env, ESPALIER_DATA: join(folder, 'data'), NO_COLOR: '1' },
  });

function ended(child: ChildProcess): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, stdout, stderr })));
}

const espalier = (...args: string[]): Promise<Ended> => ended(start(...args));

/** Resolves when the process has written the text to either of its streams. */
function said(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve) => {
    let heard = '';
    const hear = (chunk: Buffer): void => {
      heard += chunk.toString();
      if (heard.includes(text)) resolve();
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
  });
}

/** Bright and dark noise, one folder each. */
async function writeImages(): Promise<void> {
  const random = createRandom(1);
  for (const [name, level] of Object.entries({ bright: 200, dark: 60 })) {
    mkdirSync(join(folder, 'shades', name), { recursive: true });
    for (let i = 0; i < 30; i++) {
      const pixels = Uint8Array.from({ length: SIDE * SIDE * 3 }, () => level + random.integer(50));
      await sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 3 } })
        .png()
        .toFile(join(folder, 'shades', name, `${i}.png`));
    }
  }
}

beforeAll(async () => {
  await writeImages();
  writeFileSync(
    join(folder, 'base.safetensors'),
    encodeNetwork(buildBackbone('squeezenet-small', { classNames: ['a', 'b', 'c'], seed: 1 })),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the command', { timeout: 180_000 }, () => {
  it('says what is wrong and what to do, ends with 1 and leaves nothing', async () => {
    writeFileSync(join(folder, 'notes.txt'), 'hello');
    const refused = await espalier('model', 'add', 'notes.txt');
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^espalier: notes\.txt is no model.*\n {10}\S/m);
    const missing = await espalier('dataset', 'add', 'nowhere.zip');
    expect(missing).toMatchObject({ status: 1, stderr: 'espalier: There is no file nowhere.zip.\n          Check the path.\n' });
    expect((await espalier('model', 'ls', '--json')).stdout).toBe('[]\n');
    const blobs = readdirSync(join(folder, 'data', 'blobs'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(blobs).toEqual([]);
    expect(readdirSync(join(folder, 'data', 'work'))).toEqual([]);
  });

  it('registers a folder and a file, and tells of them as text and as JSON', async () => {
    expect((await espalier('dataset', 'add', 'shades')).stdout).toMatch(
      /^shades · 2 classes · 36 train \/ 12 validation \/ 12 test · 32×32 rgb · split here/,
    );
    const [dataset] = JSON.parse((await espalier('dataset', 'ls', '--json')).stdout);
    expect(dataset).toMatchObject({ name: 'shades', report: { counts: { train: 36 } } });
    const added = await espalier('model', 'add', 'base.safetensors', '--name', 'base');
    expect(added.stdout).toContain('base');
    const profiled = await espalier('profile', 'base', '--png', 'maps');
    expect(profiled.stdout).toMatch(/Dice weights · diversity 0\.\d{3}/);
    const maps = readdirSync(join(folder, 'maps'));
    expect(profiled.stdout).toContain(`${maps.length} heat maps in maps`);
    expect((await sharp(join(folder, 'maps', maps[0])).metadata()).format).toBe('png');
    expect((await espalier('profile', 'base', '--precision', 'fast')).stdout).toMatch(/eight bits: S within \d/);
    expect((await espalier('profile', 'base', '--against', 'base')).stdout).toMatch(/base → base .* \(\+0\.000\)/);
  });

  it('stops on Ctrl-C, says how to go on, and goes on', async () => {
    const running = start('prune', 'base', 'shades', '--ratio', '0.3', '--epochs', '40');
    const end = ended(running);
    await said(running, 'base train epoch');
    running.kill('SIGINT');
    const stopped = await end;
    expect(stopped.status).toBe(130);
    const [, job] = /Go on with: espalier job wait (job_\w+)/.exec(stopped.stderr) ?? [];
    // What does not concern the job leaves it alone.
    expect((await espalier('job', 'show', job)).stdout).toMatch(/state +queued/);
    expect((await espalier('job', 'wait', job)).stdout).toMatch(/state +succeeded/);
  });

  it('prunes into a folder that holds model, report and plan, and predicts with it', async () => {
    const pruned = await espalier('prune', 'base', 'shades', '--ratio', '0.3', '--epochs', '2', '--out', 'artifact');
    expect(pruned).toMatchObject({ status: 0 });
    expect(pruned.stdout).toMatch(/accuracy \(validation\)/);
    expect(readdirSync(join(folder, 'artifact'))).toEqual(
      expect.arrayContaining(['model.json', 'model.keras', 'model.onnx', 'plan.json', 'report.json', 'weights.bin']),
    );
    const report = JSON.parse(readFileSync(join(folder, 'artifact', 'report.json'), 'utf8'));
    expect(report.proof.relativeDifference).toBeLessThanOrEqual(1e-4);
    expect(existsSync(join(folder, `artifact.part-${process.pid}`))).toBe(false);
    const [, id] = /artifact +(mdl_\w+)/.exec(pruned.stdout) ?? [];
    expect((await espalier('predict', id, join('shades', 'dark', '0.png'))).stdout).toMatch(/0\.png +(dark|bright)/);
  });

  it('replays the plan of an artifact, and compares criteria with a table and a plot', async () => {
    const plan = join('artifact', 'plan.json');
    const replayed = await espalier('prune', 'base', 'shades', '--plan', plan, '--epochs', '2', '--out', 'again');
    expect(replayed).toMatchObject({ status: 0 });
    const removedIn = (name: string) =>
      JSON.parse(readFileSync(join(folder, name, 'plan.json'), 'utf8')).groups.map(({ removed }: { removed: number[] }) => removed);
    expect(removedIn('again')).toEqual(removedIn('artifact'));
    expect(readFileSync(join(folder, 'again', 'README.md'), 'utf8')).toContain('name: "shades"');
    const notPlan = await espalier('prune', 'base', 'shades', '--plan', join('shades', 'dark', '0.png'));
    expect(notPlan).toMatchObject({ status: 1, stderr: expect.stringContaining('holds no plan') });

    const criteria = ['--criteria', 'l1', 'random:global', '--ratio', '0.4', '--seeds', '1', '--epochs', '1'];
    const compared = await espalier('compare', 'base', 'shades', ...criteria, '--out', 'compared');
    expect(compared).toMatchObject({ status: 0 });
    for (const row of ['l1', 'random global', 'unpruned']) expect(compared.stdout).toMatch(new RegExp(`^ +${row} +\\d`, 'm'));
    expect(compared.stdout).toContain('one seed');
    expect(readdirSync(join(folder, 'compared'))).toEqual(['accuracy.svg', 'comparison.json', 'comparison.md']);
    expect((await sharp(join(folder, 'compared', 'accuracy.svg')).metadata()).format).toBe('svg');
  });

  it('talks to the server that owns the data directory', async () => {
    const server = start('serve', '--port', '0');
    const end = ended(server);
    await said(server, 'espalier listens on http://127.0.0.1:');
    expect((await espalier('model', 'ls')).stdout).toContain('base');
    expect(await espalier('serve', '--port', '0')).toMatchObject({ status: 1, stderr: expect.stringContaining('is in use by process') });
    server.kill('SIGTERM');
    expect((await end).status).toBe(0);
  });
});
