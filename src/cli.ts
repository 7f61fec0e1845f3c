import { program } from 'commander';
import { addBackbonesCommand } from './cli/commands/backbones.ts';
import { addCompareCommand } from './cli/commands/compare.ts';
import { addDatasetCommands } from './cli/commands/datasets.ts';
import { addDemoCommand } from './cli/commands/demo.ts';
import { addEngineCommands } from './cli/commands/engine.ts';
import { addGroupsCommand } from './cli/commands/groups.ts';
import { addJobCommands } from './cli/commands/jobs.ts';
import { addModelCommands } from './cli/commands/models.ts';
import { addProfileCommand } from './cli/commands/profile.ts';
import { addPruneCommand } from './cli/commands/prune.ts';
import { addRecommendCommand } from './cli/commands/recommend.ts';
import { addServeCommand } from './cli/commands/serve.ts';
import { addWorkCommands } from './cli/commands/work.ts';

program
  .name('espalier')
  .description('Chooses a pretrained CNN backbone for a small dataset by its Dice diversity, then prunes and fine-tunes it.')
  .option('--json', "print the API's own objects")
  .showHelpAfterError('(espalier --help lists what there is)')
  .addHelpText(
    'after',
    `
Examples:
  espalier demo
  espalier recommend digits.zip --flops-max 20M
  espalier prune zoo:cifar-resnet20 digits.zip --ratio 0.3
  espalier compare zoo:cifar-resnet20 digits.zip --criteria dice l1 random --ratio 0.4
  espalier serve

Data are kept in ESPALIER_DATA (default: ~/.local/share/espalier). When a server owns it, commands talk to that server.`,
  );

addDemoCommand(program);
addModelCommands(program);
addBackbonesCommand(program);
addDatasetCommands(program);
addProfileCommand(program);
addRecommendCommand(program);
addWorkCommands(program);
addPruneCommand(program);
addCompareCommand(program);
addGroupsCommand(program);
addJobCommands(program);
addServeCommand(program);
addEngineCommands(program);

await program.parseAsync();
