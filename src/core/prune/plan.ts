import { Failure } from '../failure.ts';
import { costOf, inferShapes, layerOf, nodeOf, type Cost, type Network } from '../network/index.ts';
import { createRandom } from '../random.ts';
import { criterionOf } from './criteria.ts';
import { cutNodes, keptChannels, type Removal } from './cut.ts';
import { dependencyGroups, type DependencyGroup } from './groups.ts';
import { createSelection, type Choice, type WidthRules } from './selection.ts';
import { meetFlops, meetRatio, type PruneTarget } from './target.ts';
import { createViews, type Activations } from './view.ts';

export interface PlanOptions extends WidthRules {
  /** Id of a criterion, see {@link criterionOf}. */
  readonly criterion: string;
  readonly target: PruneTarget;
  /** `conv`: only convolutions lose kernels (the thesis's method). `all`: Dense units too. */
  readonly layers: 'conv' | 'all';
  /** Layers whose channels stay, and with them all that are coupled to them. */
  readonly protect?: readonly string[];
  readonly seed: number;
  /** Where the `dice` criterion compares activations and not weights. */
  readonly activations?: Activations;
}

/** Which channels leave; plain data that can be stored and applied again. Channels are numbered as the group's. */
export interface Plan {
  readonly criterion: string;
  readonly seed: number;
  readonly target: PruneTarget;
  readonly groups: readonly PlannedGroup[];
  readonly skipped: readonly { readonly id: string; readonly producers: readonly string[]; readonly reason: string }[];
  /** What did not come out as asked, and why. */
  readonly notes: readonly string[];
  readonly cost: { readonly before: Cost; readonly after: Cost };
}

export interface PlannedGroup extends Removal {
  readonly producers: readonly string[];
  readonly kept: readonly number[];
}

/**
 * Chooses the channels that leave each dependency group. Pure: nothing is cut yet, see `cut`.
 *
 * At a ratio p a group of n channels loses ⌊p·n⌋ (Dice fewer where Algorithm 1 finds fewer outside its thresholds); at
 * least one always stays. For a FLOPs target the uniform ratio is bisected, then channels are given back one by one as
 * long as the FLOPs stay at or under the target.
 *
 * @throws Failure `invalid-request` naming the field, `unknown-criterion`, or `target-unreachable` with the smallest
 *   FLOPs that can be reached
 */
export function planPruning(network: Network, options: PlanOptions): Plan {
  requireValid(network, options);
  const criterion = criterionOf(options.criterion);
  const skipped: { id: string; producers: string[]; reason: string }[] = [];
  const candidates: DependencyGroup[] = [];
  for (const group of dependencyGroups(network)) {
    const reason = reasonToSkip(network, group, options);
    if (reason === undefined) candidates.push(group);
    else skipped.push({ id: group.id, producers: group.producers.map(({ node }) => node), reason });
  }
  if (candidates.length === 0) {
    throw new Failure('target-unreachable', 'No channel of this network can leave.', { hint: skipped[0]?.reason, field: 'target' });
  }
  const viewOf = createViews(network, createRandom(options.seed), options.activations);
  const selections = candidates.map((group) => createSelection(group, criterion, criterion.score(viewOf(group)), options));

  const shapes = inferShapes(network);
  const costWith = (removals: readonly Choice[]): Cost => {
    const { byNode: _, ...cost } = costOf(cutNodes(network.nodes, keptChannels(network.nodes, shapes, removals)));
    return cost;
  };
  const { choices, notes } =
    'ratio' in options.target
      ? meetRatio(selections, options.target.ratio)
      : meetFlops(selections, options.target.flops, (removals) => costWith(removals).flops);
  return {
    criterion: options.criterion,
    seed: options.seed,
    target: options.target,
    groups: choices.map(plannedGroup),
    skipped,
    notes,
    cost: { before: costWith([]), after: costWith(choices) },
  };
}

function plannedGroup({ group, removed }: Choice): PlannedGroup {
  const leaves = new Set(removed);
  return {
    id: group.id,
    producers: group.producers.map(({ node }) => node),
    channels: group.size,
    kept: Array.from({ length: group.size }, (_, channel) => channel).filter((channel) => !leaves.has(channel)),
    removed: [...removed].sort((a, b) => a - b),
  };
}

function reasonToSkip(network: Network, group: DependencyGroup, { layers, protect = [] }: PlanOptions): string | undefined {
  if (group.locked !== undefined) return `Its channels must stay: ${group.locked}.`;
  const members = [...group.producers, ...group.coupled].map(({ node }) => node);
  const held = members.find((node) => protect.includes(node));
  if (held !== undefined) return `Layer "${held}" is protected, and the group's channels are coupled to it.`;
  const flat = group.producers.find(({ node }) => !layerOf(nodeOf(network, node).kind).convolution);
  if (layers === 'conv' && flat !== undefined) return `"${flat.node}" is no convolution; its channels leave only with layers "all".`;
  if (group.size < 2) return 'It has one channel only.';
  return undefined;
}

function requireValid(network: Network, { target, roundTo = 1, minChannels = 1, protect = [] }: PlanOptions): void {
  const invalid = (field: string, message: string, hint: string) => new Failure('invalid-request', message, { field, hint });
  if ('ratio' in target && !(target.ratio > 0 && target.ratio < 1)) {
    throw invalid('target.ratio', `A pruning ratio of ${target.ratio} is not possible.`, 'Give a ratio between 0 and 1, such as 0.3.');
  }
  if ('flops' in target && !(target.flops > 0 && Number.isFinite(target.flops))) {
    throw invalid('target.flops', `A target of ${target.flops} FLOPs is not possible.`, 'Give a positive number of FLOPs.');
  }
  for (const [field, value] of Object.entries({ roundTo, minChannels })) {
    if (!(Number.isInteger(value) && value >= 1)) throw invalid(field, `${field} cannot be ${value}.`, 'Give a whole number from 1 up.');
  }
  const unknown = protect.find((id) => !network.nodes.some((node) => node.id === id));
  if (unknown !== undefined) throw invalid('protect', `There is no layer "${unknown}" to protect.`, 'Name layers of the model.');
}
