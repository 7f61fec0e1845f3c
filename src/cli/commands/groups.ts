import { pc } from '../colour.ts';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Network } from '../../core/network/index.ts';
import { dependencyGroups, type DependencyGroup } from '../../core/prune/index.ts';
import { readModel } from '../../formats/models/index.ts';
import type { Model } from '../../schema/models.ts';
import { printed, run } from '../command.ts';
import { resolveModel } from '../resolve.ts';
import type { Session } from '../session.ts';

/** `espalier groups MODEL`. */
export function addGroupsCommand(program: Command): void {
  program
    .command('groups')
    .argument('<model>', 'id, name, zoo:NAME, hf:ORG/NAME or file')
    .description('which channels can only leave together, and why')
    .action(
      run(async (session, spec: string) => {
        const model = await resolveModel(session, spec);
        const groups = dependencyGroups(await networkOf(session, model));
        printed(
          session,
          groups.map(({ id, size, producers, coupled, consumers, locked = null }) => ({
            id,
            channels: size,
            producers: producers.map(named),
            coupled: coupled.map(named),
            consumers,
            locked,
          })),
          groupsView(groups, model.name),
        );
      }),
    );
}

const named = ({ node, reason }: { node: string; reason: string }) => ({ node, reason });

/** The model's network, out of the tfjs content that the service sends. */
async function networkOf({ client }: Session, { id, name }: Model): Promise<Network> {
  const folder = await mkdtemp(join(tmpdir(), 'espalier-groups-'));
  try {
    const zip = join(folder, 'model.zip');
    await writeFile(zip, await client.bytes(`/models/${id}/content?format=tfjs`));
    return (await readModel(zip, { fileName: name })).network;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export function groupsView(groups: readonly DependencyGroup[], model: string): string {
  const locked = groups.filter((group) => group.locked !== undefined).length;
  const head = `${model} · ${groups.length} groups of channels, ${locked} of which must stay`;
  return [head, ...groups.map(groupView)].join('\n\n');
}

function groupView({ id, size, producers, coupled, consumers, locked }: DependencyGroup): string {
  const width = Math.max(...[...producers, ...coupled, ...consumers].map(({ node }) => node.length));
  const lines = (members: readonly { node: string; reason: string }[]): string[] =>
    members.map(({ node, reason }) => `  ${node.padEnd(width)}  ${pc.dim(reason)}`);
  const stays = locked === undefined ? '' : pc.yellow(` · stay: ${locked}`);
  return [`${pc.bold(id)} · ${size} channels${stays}`, ...lines(producers), ...lines(coupled), ...lines(consumers)].join('\n');
}
