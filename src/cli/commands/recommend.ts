import type { Command } from 'commander';
import { Failure } from '../../core/failure.ts';
import { fraction, numeral, printed, run, wholeNumber } from '../command.ts';
import { nextCommand, recommendationView } from '../recommend-view.ts';
import { recommendationOf } from '../requests.ts';
import { resolveDataset, resolveModel } from '../resolve.ts';
import type { Session } from '../session.ts';
import { datasetLine } from '../views.ts';

interface RecommendOptions {
  readonly exclude?: string;
  readonly candidates: string[];
  readonly licence?: string[];
  readonly family?: string[];
  readonly inputMax?: number;
  readonly flopsMax?: number;
  readonly paramsMax?: number;
  readonly latencyMax?: number;
  readonly afterPruning?: boolean;
  readonly rankBy?: string;
  readonly scores?: string[];
  readonly verify?: number;
  readonly verifyEpochs?: number;
  readonly verifySeconds?: number;
  readonly budget?: number;
  readonly prior: boolean;
  readonly seed?: number;
}

/** Epochs of each candidate that is verified, where no budget is given: two then have two trainings of eight each. */
const VERIFY_EPOCHS_EACH = 16;

export function addRecommendCommand(program: Command): void {
  program
    .command('recommend')
    .argument('<dataset>', 'id, name, archive or image folder')
    .option('--exclude <classes>', 'classes of the archive or folder to leave out, separated by commas')
    .option('--candidates <models...>', 'models to choose from: ids, names, files, zoo:NAME, zoo:* or hf:ORG/NAME', ['zoo:*'])
    .option('--licence <ids...>', 'only candidates under one of these licences, e.g. Apache-2.0')
    .option('--family <names...>', 'only candidates of these families, e.g. resnet mobilenet')
    .option('--input-max <pixels>', 'longest side of the input', wholeNumber('--input-max'))
    .option('--flops-max <n>', 'FLOPs that the model may have, e.g. 20M', numeral('--flops-max'))
    .option('--params-max <n>', 'parameters that the model may have, e.g. 200k', numeral('--params-max'))
    .option('--latency-max <ms>', 'milliseconds that one image may take here, measured', fraction('--latency-max'))
    .option('--after-pruning', 'the limits hold for the pruned model: candidates are judged as cut to them (the default)')
    .option('--no-after-pruning', 'candidates over a limit are out')
    .option('--rank-by <what>', 'default: predicted accuracy; diversity; or a score such as logme or linear-probe')
    .option('--scores <ids...>', 'scores to tell with --json (default: all)')
    .option('--verify <k>', 'fine-tune the best k and rank them by what comes out', wholeNumber('--verify'))
    .option('--verify-epochs <n>', `epochs of that in all (default: ${VERIFY_EPOCHS_EACH} for each)`, wholeNumber('--verify-epochs'))
    .option('--verify-seconds <s>', 'seconds of that in all', fraction('--verify-seconds'))
    .option('--budget <s>', 'seconds for the scores: candidates that cannot win are stopped early', fraction('--budget'))
    .option('--no-prior', 'leave out what was verified here before')
    .option('--seed <n>', 'seed of all that is random', wholeNumber('--seed'))
    .description('the backbone to start from for a dataset, and how sure that is')
    .addHelpText(
      'after',
      `
Examples:
  espalier recommend digits.zip
  espalier recommend digits.zip --flops-max 20M --verify 2
  espalier recommend digits.zip --candidates zoo:cifar-resnet20 mine.onnx --rank-by diversity`,
    )
    .action(
      run(async (session, spec: string, options: RecommendOptions) => {
        const dataset = await resolveDataset(session, spec, { exclude: options.exclude });
        const done = await recommendationOf(session, await requestOf(session, dataset.id, options));
        const text = [datasetLine(dataset), '', recommendationView(done), '', `Next:  ${nextCommand(done, dataset.name)}`];
        printed(session, done, text.join('\n'));
      }),
    );
}

async function requestOf(session: Session, dataset: string, options: RecommendOptions) {
  const { licence, family, inputMax, flopsMax, paramsMax, latencyMax, afterPruning, rankBy, scores, budget, prior, seed } = options;
  return {
    dataset,
    candidates: await candidatesOf(session, options.candidates),
    filters: { licences: licence, families: family, inputSideMax: inputMax },
    constraints: { flopsMax, paramsMax, latencyMsMax: latencyMax, afterPruning },
    rankBy,
    scores,
    verify: verificationOf(options),
    budget: budget === undefined ? undefined : { seconds: budget },
    usePrior: prior,
    seed,
  };
}

function verificationOf({ verify: topK, verifyEpochs: epochs, verifySeconds: seconds }: RecommendOptions) {
  if (topK === undefined) {
    if (epochs === undefined && seconds === undefined) return undefined;
    throw new Failure('invalid-request', 'A budget of verification was given, but not how many candidates to verify.', {
      hint: 'Add --verify 2, for example.',
      field: 'verify',
    });
  }
  if (epochs !== undefined && seconds !== undefined) {
    throw new Failure('invalid-request', '--verify-epochs and --verify-seconds cannot both be the budget.', {
      hint: 'Give one of them.',
      field: 'verify.budget',
    });
  }
  return { topK, budget: seconds === undefined ? { epochs: epochs ?? VERIFY_EPOCHS_EACH * topK } : { seconds } };
}

/** Starter backbones are the service's to find; everything else is a model here, or becomes one. */
async function candidatesOf(session: Session, specs: readonly string[]): Promise<string[]> {
  const candidates: string[] = [];
  for (const spec of specs) candidates.push(spec.startsWith('zoo:') ? spec : (await resolveModel(session, spec)).id);
  return candidates;
}
