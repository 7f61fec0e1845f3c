import { writeFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { Failure } from '../../core/failure.ts';
import { printed, run } from '../command.ts';
import { addModel, everyModel, resolveModel } from '../resolve.ts';
import { type ExportFormat, exportFormats } from '../../schema/models.ts';
import { modelFile, saveArtifact, savedText } from '../save.ts';
import { modelsView, modelView } from '../views.ts';

/** `espalier model …` */
export function addModelCommands(program: Command): void {
  const group = program.command('model').description('backbones and pruned artifacts');

  group
    .command('add')
    .argument('<source...>', 'a model file or tfjs folder, zoo:NAME, hf:ORG/NAME[@REVISION] or an https address')
    .option('--name <name>', 'what to call it')
    .option('--architecture <id>', 'architecture of weights without layers, e.g. cifar-resnet20; guessed otherwise')
    .description(
      'register models: tfjs LayersModel, Keras .h5 or .keras, ONNX, safetensors, PyTorch .pt; from the zoo, a hub or an address too',
    )
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
    .argument('<model>', 'id, name, zoo:NAME, hf:ORG/NAME or file')
    .description('what is known of a model')
    .action(
      run(async (session, spec: string) => {
        const found = await resolveModel(session, spec);
        printed(session, found, modelView(found));
      }),
    );

  group
    .command('export')
    .argument('<model>', 'id, name, zoo:NAME, hf:ORG/NAME or file')
    .option('--out <path>', 'where to write it')
    .addOption(new Option('--format <format>', 'one file instead of a folder').choices(Object.keys(exportFormats)))
    .description('write a model as a folder of tfjs LayersModel, ONNX and Keras files, or as one file')
    .action(
      run(async (session, spec: string, options: { out?: string; format?: ExportFormat }) => {
        const found = await resolveModel(session, spec);
        if (options.format !== undefined) {
          const { out = `${found.name}${exportFormats[options.format].suffix}`, format } = options;
          const { bytes, losses } = await modelFile(session, found, format);
          // Nothing is overwritten.
          await writeFile(out, bytes, { flag: 'wx' }).catch((cause: unknown) => {
            if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cause;
            throw new Failure('conflict', `There is a file ${out} already.`, { hint: 'Name another with --out.', field: '--out' });
          });
          return printed(session, { file: out, losses }, [`${found.name} is in ${out}`, ...losses.map((loss) => `  ${loss}`)].join('\n'));
        }
        const saved = await saveArtifact(session, found, options.out);
        printed(session, saved, `${found.name} is in ${savedText(saved)}`);
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
