import type { Command } from 'commander';
import { architectures, type Architecture } from '../../backbones/index.ts';
import { si, table } from '../format.ts';

/** `espalier backbones` */
export function addBackbonesCommand(program: Command): void {
  program
    .command('backbones')
    .argument('[text]', 'only those whose id, family or description holds this')
    .description('list the architectures that weights can be read into')
    .action((text: string | undefined, _: unknown, command: Command) => {
      const { json } = command.optsWithGlobals<{ json?: boolean }>();
      const wanted = text?.toLowerCase() ?? '';
      const found = architectures().filter(({ id, family, description }) =>
        `${id} ${family} ${description}`.toLowerCase().includes(wanted),
      );
      process.stdout.write(`${json ? JSON.stringify(found, null, 2) : backbonesView(found)}\n`);
    });
}

function backbonesView(found: readonly Architecture[]): string {
  if (found.length === 0) return 'No architecture is called like that. `espalier backbones` lists them all.';
  return table(
    ['id', '>parameters', '>MACs', '>input', 'what it is'],
    found.map(({ id, params, macs, inputShape: [height, width], description }) => [
      id,
      si(params),
      si(macs),
      `${height}×${width}`,
      description,
    ]),
  );
}
