import { type Command, InvalidArgumentError } from 'commander';
import type { PruneTarget } from '../schema/prunings.ts';
import { fraction, multiple, wholeNumber } from './command.ts';

/** Taken where no target is given. */
export const defaultTarget = { ratio: 0.3 };

/** What the flags of `espalier prune` say about the target. */
export interface TargetOptions {
  readonly ratio?: number;
  readonly layerRatio?: Record<string, number>;
  readonly flops?: number;
  readonly params?: number;
  readonly bytes?: number;
  readonly latencyMs?: number;
  readonly accuracyDropMax?: number;
  readonly certify: boolean;
  readonly elbow?: true;
}

/**
 * The target as the flags give it (two targets too: the service says what is wrong with them; undefined where none is
 * given), and the other options.
 */
export function splitTarget<T extends TargetOptions>(
  options: T,
): readonly [target: Record<string, unknown> | undefined, rest: Omit<T, keyof TargetOptions>] {
  const { ratio, layerRatio: byLayer, flops, params, bytes, latencyMs, accuracyDropMax, certify, elbow, ...rest } = options;
  const drop = accuracyDropMax === undefined ? {} : { accuracyDropMax, certify };
  const given = Object.entries({ ratio, flops, params, bytes, latencyMs, elbow, ...drop }).filter(([, value]) => value !== undefined);
  if (given.length === 0 && byLayer === undefined) return [undefined, rest];
  const target = given.length === 0 ? defaultTarget : Object.fromEntries(given);
  return [byLayer === undefined ? target : { ...target, byLayer }, rest];
}

/** Flags of `espalier prune` for a request's target. */
export function targetFlags(target: PruneTarget): string {
  if ('elbow' in target) return '--elbow';
  if ('latencyMs' in target) return `--latency-ms ${target.latencyMs}`;
  if ('accuracyDropMax' in target) return `--accuracy-drop-max ${target.accuracyDropMax}${target.certify ? '' : ' --no-certify'}`;
  if (!('ratio' in target)) return Object.entries(target).map(([metric, amount]) => `--${metric} ${Math.round(amount)}`)[0];
  const layers = Object.entries(target.byLayer ?? {}).map(([pattern, ratio]) => `--layer-ratio "${pattern}=${ratio}"`);
  return [`--ratio ${target.ratio}`, ...layers].join(' ');
}

/** What the flags say of the widths that may be left. */
export interface WidthOptions {
  readonly layers?: string;
  readonly roundTo?: number | 'auto';
  readonly minChannels?: number;
  readonly protect?: string[];
}

/** Adds the flags of widths to a command that prunes. */
export function addWidthOptions(command: Command): Command {
  return command
    .option('--layers <which>', 'conv, or all to prune Dense units too')
    .option('--round-to <n>', 'keep widths a multiple of this; auto: of what convolutions run well with', multiple)
    .option('--min-channels <n>', 'fewest channels kept in a group', wholeNumber('--min-channels'))
    .option('--protect <layers...>', 'layers, by name or pattern, whose channels stay');
}

/** Collects `PATTERN=SHARE`. */
export function layerRatio(text: string, before: Record<string, number> = {}): Record<string, number> {
  const at = text.lastIndexOf('=');
  if (at < 1) throw new InvalidArgumentError('--layer-ratio is a layer or pattern and a share, such as "stage3*=0.5".');
  return { ...before, [text.slice(0, at)]: fraction('--layer-ratio')(text.slice(at + 1)) };
}
