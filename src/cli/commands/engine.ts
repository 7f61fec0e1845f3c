import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Command } from 'commander';
import { reporting } from '../command.ts';
import type { EngineReport } from '../../schema/common.ts';
import { engineProbe, repository } from '../engine-probe.ts';

/** `espalier engine …` */
export function addEngineCommands(program: Command): void {
  const group = program.command('engine').description('what runs the networks');

  group
    .command('install')
    .description('build the TensorFlow binding (what npm run setup does)')
    .action(() => {
      process.exitCode = spawnSync(process.execPath, [join(repository, 'scripts', 'setup.mjs')], { stdio: 'inherit' }).status ?? 1;
    });

  group
    .command('info')
    .description('backend, TensorFlow version, threads, device and a half-second speed check')
    .action((_: unknown, command: Command) =>
      reporting(async () => {
        const engine = await engineProbe()();
        const { json } = command.optsWithGlobals<{ json?: boolean }>();
        process.stdout.write(`${json ? JSON.stringify(engine, null, 2) : engineText(engine)}\n`);
      }),
    );
}

function engineText({ backend, version, device, threads, reason, imagesPerSecond }: EngineReport): string {
  return [
    `engine   ${backend} ${version} on ${device}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    `why      ${reason}`,
    `speed    ${imagesPerSecond.toFixed(0)} images/s (half-second check)`,
  ].join('\n');
}
