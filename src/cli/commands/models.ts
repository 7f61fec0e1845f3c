import type { Command } from 'commander';
import { printed, run } from '../command.ts';
import { addModel, everyModel, resolveModel } from '../resolve.ts';
import { saveArtifact } from '../save.ts';
import { modelsView, modelView } from '../views.ts';

/** `espalier model …` */
export function addModelCommands(program: Command): void {
  const group = program.command('model').description('backbones and pruned artifacts');

  group
    .command('add')
    .argument('<source...>', 'a model file or tfjs folder, or zoo:NAME')
    .option('--name <name>', 'what to call it')
    .option('--architecture <id>', 'architecture of weights without layers, e.g. cifar-resnet20; guessed otherwise')
    .description('register models: tfjs LayersModel, Keras .h5, safetensors, PyTorch .pt, zoo:NAME')
    .action(
      run(async (session, sources: string[], options: { name?: string; architecture?: string }) => {
        const added = [];
        for (const source of sources) added.push(await addModel(session, source, options));
        printed(session, added, modelsView(added));
      }),
    );

  group
    .command('ls')
    .description('list the registered models')
    .action(
      run(async (session) => {
        const models = await everyModel(session);
        printed(session, models, modelsView(models));
      }),
    );

  group
    .command('show')
    .argument('<model>', 'id, name, zoo:NAME or file')
    .description('what is known of a model')
    .action(
      run(async (session, spec: string) => {
        const found = await resolveModel(session, spec);
        printed(session, found, modelView(found));
      }),
    );

  group
    .command('export')
    .argument('<model>', 'id or name')
    .option('--out <folder>', 'where to write it')
    .description('write a model as a tfjs LayersModel folder')
    .action(
      run(async (session, spec: string, options: { out?: string }) => {
        const found = await resolveModel(session, spec);
        const folder = await saveArtifact(session, found, options.out);
        printed(session, { folder }, `${found.name} is in ${folder}`);
      }),
    );

  group
    .command('rm')
    .argument('<model>', 'id or name')
    .description('remove a model and its files')
    .action(
      run(async (session, spec: string) => {
        const found = await resolveModel(session, spec);
        await session.client.remove(`/models/${found.id}`);
        printed(session, found, `Removed ${found.name} (${found.id}).`);
      }),
    );
}
