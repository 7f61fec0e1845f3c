import type { Command } from 'commander';
import { printed, run, wholeNumber } from '../command.ts';
import { evaluationOf } from '../requests.ts';
import { resolveDataset, resolveModel } from '../resolve.ts';
import { evaluationView, predictionView } from '../views.ts';
import { predictFiles } from '../predict.ts';

/** The commands that compute: evaluate, predict. */
export function addWorkCommands(program: Command): void {
  program
    .command('evaluate')
    .argument('<model>', 'id, name or file')
    .argument('<dataset>', 'id, name, archive or image folder')
    .option('--split <name>', 'train, validation or test')
    .description('accuracy, F1 and their intervals')
    .action(
      run(async (session, modelSpec: string, dataSpec: string, options: { split?: string }) => {
        const model = await resolveModel(session, modelSpec);
        const dataset = await resolveDataset(session, dataSpec);
        const done = await evaluationOf(session, { model: model.id, dataset: dataset.id, ...options });
        printed(session, done, evaluationView(done));
      }),
    );

  program
    .command('predict')
    .argument('<model>', 'id, name or file')
    .argument('<image...>', 'JPEG, PNG, WebP or GIF files')
    .option('--top <n>', 'classes to list', wholeNumber('--top'))
    .description('classes of images')
    .action(
      run(async (session, spec: string, images: string[], options: { top?: number }) => {
        const model = await resolveModel(session, spec);
        const done = await predictFiles(session, model, images, options);
        printed(session, done, predictionView(done));
      }),
    );
}
