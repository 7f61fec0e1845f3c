import type { Command } from 'commander';
import { datasetPage } from '../../schema/datasets.ts';
import { printed, run, wholeNumber } from '../command.ts';
import { addDataset, resolveDataset, type DatasetOptions } from '../resolve.ts';
import { datasetsView, datasetView } from '../views.ts';

/** `espalier dataset …` */
export function addDatasetCommands(program: Command): void {
  const group = program.command('dataset').description('labelled images');

  group
    .command('add')
    .argument('<path...>', 'an archive (zip, tar, tar.gz), an image folder, or the files of an IDX pair')
    .option('--name <name>', 'what to call it')
    .option('--exclude <classes>', 'classes to leave out, separated by commas')
    .option('--seed <n>', 'seed of the split, when the archive has none', wholeNumber('--seed'))
    .description('register a dataset: CLASS/image or SPLIT/CLASS/image')
    .action(
      run(async (session, paths: string[], options: DatasetOptions) => {
        const added = await addDataset(session, paths, options);
        printed(session, added, datasetView(added));
      }),
    );

  group
    .command('ls')
    .description('list the registered datasets')
    .action(
      run(async (session) => {
        const { items } = await session.client.get('/datasets?limit=200', datasetPage);
        printed(session, items, datasetsView(items));
      }),
    );

  group
    .command('show')
    .argument('<dataset>', 'id, name or file')
    .description('classes, counts and what was refused')
    .action(
      run(async (session, spec: string) => {
        const found = await resolveDataset(session, spec);
        printed(session, found, datasetView(found));
      }),
    );

  group
    .command('rm')
    .argument('<dataset>', 'id or name')
    .description('remove a dataset and its files')
    .action(
      run(async (session, spec: string) => {
        const found = await resolveDataset(session, spec);
        await session.client.remove(`/datasets/${found.id}`);
        printed(session, found, `Removed ${found.name} (${found.id}).`);
      }),
    );
}
