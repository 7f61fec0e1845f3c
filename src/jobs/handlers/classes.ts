import { Failure } from '../../core/failure.ts';
import { inferShapes, logitsNode, type Network } from '../../core/network/index.ts';
import type { DatasetRef } from '../types.ts';

/** Class names in the order of the labels. */
export function classNamesOf(dataset: DatasetRef): string[] {
  return dataset.report.classes.map(({ name }) => name);
}

/** How many classes the network tells apart. */
export function classesOf(network: Network): number {
  return (inferShapes(network).get(logitsNode(network).id) ?? []).at(-1) ?? 0;
}

/**
 * Whether the network's classes are the dataset's, in the dataset's order. `unnamed`: their number is right, but the
 * model does not name them.
 */
export function classMatch(network: Network, dataset: DatasetRef): 'same' | 'other' | 'unnamed' {
  const wanted = classNamesOf(dataset);
  const { classNames } = network.metadata;
  if (classNames === undefined) return classesOf(network) === wanted.length ? 'unnamed' : 'other';
  return classNames.length === wanted.length && classNames.every((name, i) => name === wanted[i]) ? 'same' : 'other';
}

/** @throws Failure `shape-mismatch` when the network cannot be measured on the dataset as it is. */
export function requireClassesOf(network: Network, dataset: DatasetRef): void {
  if (classMatch(network, dataset) !== 'other') return;
  throw new Failure('shape-mismatch', `${network.metadata.name} was not trained on the classes of ${dataset.name}.`, {
    hint: 'Prune it on this dataset first (the head is then replaced and fine-tuned), or evaluate a model made for these classes.',
    field: 'model',
  });
}
