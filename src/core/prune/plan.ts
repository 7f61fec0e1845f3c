import { Failure } from '../failure.ts';
import { inferShapes, layerOf, nodeOf, type Cost, type Network } from '../network/index.ts';
import { createCostModel } from './cost-model.ts';
import { criterionOf } from './criteria.ts';
import type { Removal } from './cut.ts';
import type { Evidence, Source } from './evidence.ts';
import { dependencyGroups, signatureOf, type DependencyGroup } from './groups.ts';
import { createRanking, matches, topologyOf, type RankingName } from './ranking.ts';
import { createSelection, type Choice, type Selection, type WidthRules } from './selection.ts';
import { amountOf, meetCost, meetRatio, type Met, type PruneTarget } from './target.ts';
import { createViews, type ViewOptions } from './view.ts';

export interface PlannerOptions extends WidthRules, Pick<ViewOptions, 'similarities' | 'magnitudes' | 'arithmetic'> {
  /** Id of a criterion, see {@link criterionOf}. */
  readonly criterion: string;
  /** `conv`: only convolutions lose kernels (the thesis's method). `all`: Dense units too. */
  readonly layers: 'conv' | 'all';
  /** Layers (names or patterns) whose channels stay, and with them all that are coupled to them. */
  readonly protect?: readonly string[];
  readonly seed: number;
  /** Which channels are ranked together; `local` by default. */
  readonly ranking?: RankingName;
  /** What Dice criteria compare; weights by default. */
  readonly source?: Source;
  /** What the criterion needs beside the weights, see `Criterion.needs`. */
  readonly evidence?: Evidence;
  /** The network before earlier cuts made this one of it: ratios are shares of its channels. */
  readonly original?: Network;
}

export interface PlanOptions extends PlannerOptions {
  readonly target: PruneTarget;
}

/** Plans for one target after another; channels were scored once. */
export type Planner = (target: PruneTarget) => Plan;

/** Which channels leave; plain data that can be stored and applied again. Channels are numbered as the group's. */
export interface Plan {
  readonly criterion: string;
  readonly source: Source;
  readonly ranking: RankingName;
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
  /** Layers that pass the channels on, and why they hang together. */
  readonly coupled: readonly { readonly node: string; readonly reason: string }[];
  readonly consumers: readonly { readonly node: string; readonly reason: string }[];
  readonly kept: readonly number[];
}

/**
 * Chooses the channels that leave each dependency group. Pure: nothing is cut yet, see `cut`.
 *
 * At a ratio p a group of n channels (or a pool of groups, see `RankingName`) loses ⌊p·n⌋ (Dice fewer where Algorithm 1 finds
 * fewer outside its thresholds); at least one always stays. For a cost target the ratio is bisected, then channels are
 * given back one by one as long as the cost stays at or under the target.
 *
 * @throws Failure `invalid-request` naming the field, `unknown-criterion`, or `target-unreachable` with the smallest
 *   cost that can be reached
 */
export function planPruning(network: Network, options: PlanOptions): Plan {
  // Before anything is scored.
  requireTarget(network, options.target);
  return createPlanner(network, options)(options.target);
}

/**
 * Scores the channels of every group that may lose some.
 *
 * @throws Failure as {@link planPruning}; so does the planner, of its targets
 */
export function createPlanner(network: Network, options: PlannerOptions): Planner {
  requireValid(network, options);
  const { criterion, source = 'weights', ranking = 'local', seed } = options;
  const { selections, skipped } = selectionsOf(network, options);
  if (selections.length === 0) {
    throw new Failure('target-unreachable', 'No channel of this network can leave.', { hint: skipped[0]?.reason, field: 'target' });
  }
  const costWith = createCostModel(
    network.nodes,
    inferShapes(network),
    selections.map(({ group }) => group),
  );
  const pools = {
    local: (group: DependencyGroup) => group.id,
    global: () => 'all',
    isomorphic: (group: DependencyGroup) => topologyOf(network, group),
  };
  return (target) => {
    requireTarget(network, target);
    const { choices, notes } = meet(selections, target, pools[ranking], costWith);
    return {
      criterion,
      source,
      ranking,
      seed,
      target,
      groups: choices.map(plannedGroup),
      skipped,
      notes,
      cost: { before: costWith([]), after: costWith(choices) },
    };
  };
}

/** The groups whose channels may leave, of a criterion of weights alone. */
export function prunableGroups(network: Network, options: PlannerOptions): DependencyGroup[] {
  return selectionsOf(network, options).selections.map(({ group }) => group);
}

/**
 * Throws what `planPruning` would, as far as it can be known before channels are scored: wrong options, and targets that
 * no choice of channels reaches.
 */
export function checkPlan(network: Network, options: PlanOptions): void {
  requireValid(network, options);
  planPruning(network, { ...options, criterion: 'l1', source: 'weights' });
}

function meet(
  selections: readonly Selection[],
  target: PruneTarget,
  poolOf: (group: DependencyGroup) => string,
  costWith: (choices: readonly Choice[]) => Cost,
): Met {
  if (!('ratio' in target)) return meetCost(createRanking(selections, poolOf), selections, amountOf(target), costWith);
  const own = Object.entries(target.byLayer ?? {});
  const ratioOf = (group: DependencyGroup): number | undefined =>
    own.find(([pattern]) => group.producers.some(({ node }) => matches(pattern, node)))?.[1];
  return meetRatio(createRanking(selections, poolOf, ratioOf), target.ratio);
}

/** The groups whose channels may leave, scored, and those whose may not, with the reason. */
function selectionsOf(network: Network, options: PlannerOptions): { selections: Selection[]; skipped: Plan['skipped'] } {
  const criterion = criterionOf(options.criterion);
  const { source = 'weights', evidence = {}, original } = options;
  const sizes = new Map(original && dependencyGroups(original).map((group) => [signatureOf(group), group.size]));
  const viewOf = createViews(network, { ...options, source, evidence });
  const selections: Selection[] = [];
  const skipped: { id: string; producers: string[]; reason: string }[] = [];
  for (const group of dependencyGroups(network)) {
    const view = viewOf(group);
    const size = sizes.get(signatureOf(group)) ?? group.size;
    const reason = reasonToSkip(network, group, size, options) ?? criterion.obstacle?.(view);
    if (reason === undefined) {
      selections.push(
        createSelection(group, { scores: criterion.score(view), choose: criterion.chooser?.(view) }, options, size - group.size),
      );
    } else skipped.push({ id: group.id, producers: group.producers.map(({ node }) => node), reason });
  }
  return { selections, skipped };
}

/** A choice as a plan tells it. */
export function plannedGroup({ group, removed }: Choice): PlannedGroup {
  const leaves = new Set(removed);
  return {
    id: group.id,
    producers: group.producers.map(({ node }) => node),
    coupled: group.coupled.map(({ node, reason }) => ({ node, reason })),
    consumers: group.consumers,
    channels: group.size,
    kept: Array.from({ length: group.size }, (_, channel) => channel).filter((channel) => !leaves.has(channel)),
    removed: [...removed].sort((a, b) => a - b),
  };
}

function reasonToSkip(
  network: Network,
  group: DependencyGroup,
  size: number,
  { layers, protect = [] }: PlannerOptions,
): string | undefined {
  if (group.locked !== undefined) return `Its channels must stay: ${group.locked}.`;
  const members = [...group.producers, ...group.coupled].map(({ node }) => node);
  const held = members.find((node) => protect.some((pattern) => matches(pattern, node)));
  if (held !== undefined) return `Layer "${held}" is protected, and the group's channels are coupled to it.`;
  const flat = group.producers.find(({ node }) => !layerOf(nodeOf(network, node).kind).convolution);
  if (layers === 'conv' && flat !== undefined) return `"${flat.node}" is no convolution; its channels leave only with layers "all".`;
  if (size < 2) return 'It has one channel only.';
  return undefined;
}

const invalid = (field: string, message: string, hint: string) => new Failure('invalid-request', message, { field, hint });

function requireValid(network: Network, options: PlannerOptions): void {
  const { roundTo = 1, minChannels = 1, protect = [], source = 'weights' } = options;
  const criterion = criterionOf(options.criterion);
  if (source !== 'weights' && !criterion.compares) {
    throw invalid(
      'source',
      `Criterion ${options.criterion} compares nothing, so it takes no source.`,
      'Leave "source" away, or choose a dice criterion.',
    );
  }
  for (const [field, value] of Object.entries({ roundTo: roundTo === 'auto' ? 1 : roundTo, minChannels })) {
    if (!(Number.isInteger(value) && value >= 1)) throw invalid(field, `${field} cannot be ${value}.`, 'Give a whole number from 1 up.');
  }
  for (const pattern of protect) requireLayer(network, pattern, 'protect');
}

function requireTarget(network: Network, target: PruneTarget): void {
  if (!('ratio' in target)) {
    const [metric, amount] = amountOf(target);
    if (amount > 0 && Number.isFinite(amount)) return;
    throw invalid(`target.${metric}`, `A target of ${amount} ${metric} is not possible.`, 'Give a positive number.');
  }
  if (!(target.ratio > 0 && target.ratio < 1)) {
    throw invalid('target.ratio', `A pruning ratio of ${target.ratio} is not possible.`, 'Give a ratio between 0 and 1, such as 0.3.');
  }
  for (const [pattern, ratio] of Object.entries(target.byLayer ?? {})) {
    const field = `target.byLayer.${pattern}`;
    if (!(ratio >= 0 && ratio < 1)) {
      throw invalid(field, `A pruning ratio of ${ratio} is not possible.`, 'Give a ratio from 0 to below 1.');
    }
    requireLayer(network, pattern, field);
  }
}

function requireLayer({ nodes }: Network, pattern: string, field: string): void {
  if (nodes.some(({ id }) => matches(pattern, id))) return;
  throw new Failure('invalid-request', `No layer is called "${pattern}".`, {
    field,
    hint: 'Name layers of the model; * stands for any characters.',
  });
}
