import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { Failure } from '../../core/failure.ts';
import { profileComparison, type Profile } from '../../schema/profiles.ts';
import { printed, run, wholeNumber } from '../command.ts';
import { comparisonView, layerView, profileView } from '../profile-view.ts';
import { profileOf } from '../requests.ts';
import { resolveDataset, resolveModel } from '../resolve.ts';
import type { Session } from '../session.ts';

interface ProfileOptions {
  readonly data?: string;
  readonly layers?: string;
  readonly images?: number;
  readonly positions?: number;
  readonly precision?: string;
  readonly seed?: number;
  readonly against?: string;
  readonly layer?: string;
  readonly png?: string;
}

export function addProfileCommand(program: Command): void {
  program
    .command('profile')
    .argument('<model>', 'id, name, zoo:NAME, hf:ORG/NAME or file')
    .option('--data <dataset>', 'compare activations on the images of this dataset instead of weights')
    .option('--layers <which>', 'conv, or all to take Dense layers in')
    .option('--images <n>', 'images to show the model', wholeNumber('--images'))
    .option('--positions <n>', 'positions of each image and feature map that are looked at', wholeNumber('--positions'))
    .option('--precision <how>', 'exact, or fast: values in eight bits')
    .option('--seed <n>', 'seed of the permuted null and of the sampling', wholeNumber('--seed'))
    .option('--against <model>', 'set the profile beside that of another model, such as the one it was pruned from')
    .addOption(new Option('--layer <name>', 'one layer closer: its S_avg, and the kernels most alike').conflicts('against'))
    .option('--png <folder>', 'write a heat map of each similarity matrix, kernels alike side by side')
    .description("Dice diversity of a model's kernels, layer by layer")
    .action(
      run(async (session, spec: string, { data, against, layer, png, positions, ...options }: ProfileOptions) => {
        requireData({ data, '--images': options.images, '--positions': positions });
        const model = await resolveModel(session, spec);
        const other = against === undefined ? undefined : await resolveModel(session, against);
        const dataset = data === undefined ? undefined : await resolveDataset(session, data);
        const request = { ...options, positionsPerImage: positions, ...(dataset && { source: 'activations', dataset: dataset.id }) };
        const done = await profileOf(session, { model: model.id, ...request });
        const maps = png === undefined ? 0 : await writeHeatMaps(session, done, png);
        const written = maps > 0 ? `\n\n${maps} heat maps in ${png}` : '';
        if (other === undefined) {
          const view = layer === undefined ? profileView(done, model.name) : layerView(done, model.name, layer);
          return printed(session, done, view + written);
        }
        const before = await profileOf(session, { model: other.id, ...request });
        const both = await session.client.get(`/profiles/${done.id}/comparison?against=${before.id}`, profileComparison);
        printed(session, both, comparisonView(both, other.name, model.name) + written);
      }),
    );
}

/** What is said of probe images is an error where there are none. */
function requireData({ data, ...given }: Readonly<Record<string, string | number | undefined>>): void {
  const [option] = Object.keys(given).filter((name) => given[name] !== undefined);
  if (data !== undefined || option === undefined) return;
  throw new Failure('invalid-request', `${option} plays no part in a profile of weights.`, {
    hint: 'Add --data DATASET to profile activations on its images.',
    field: option,
  });
}

/** One PNG a layer that has a matrix; returns how many. */
async function writeHeatMaps({ client }: Session, { id, layers }: Profile, folder: string): Promise<number> {
  await mkdir(folder, { recursive: true });
  const drawn = layers.filter(({ dice }) => dice !== undefined);
  for (const { layer } of drawn) {
    const picture = await client.bytes(`/profiles/${id}/layers/${encodeURIComponent(layer)}/matrix?order=cluster`, 'image/png');
    await writeFile(join(folder, `${layer.replaceAll(/[^\w.-]+/g, '-')}.png`), picture);
  }
  return drawn.length;
}
