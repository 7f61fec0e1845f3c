import { read, runStep, weightsOfStep } from './execute.ts';
import type { Loss } from './loss.ts';
import type { Training } from './operations.ts';
import { operationOf } from './plan.ts';
import type { Plan, Step } from './plan.ts';
import type { Primitives } from './primitives/types.ts';
import { tf } from './tf.ts';
import type { Tensor } from './tf.ts';

export interface GradientOptions {
  readonly dropout?: Training['dropout'];
  /** Layers that normalise by the batch's statistics; the others by their moving ones. */
  readonly batchNormalised: ReadonlySet<string>;
  /** Keys of the weights to differentiate by. */
  readonly parameters: ReadonlySet<string>;
  /** Receives the moving statistics after the batch. */
  readonly update: (key: string, tensor: Tensor) => void;
}

export interface GradientResult {
  /** Sum of the examples' losses. */
  readonly lossSum: Tensor;
  /** Of the mean loss, by parameter key. */
  readonly gradients: ReadonlyMap<string, Tensor>;
}

/**
 * Loss of plan(x) and the gradients of its mean, by walking the plan back (reverse accumulation).
 * Values are freed as soon as nothing before them needs them. Call within tf.tidy, which owns the result.
 */
export function gradientsOf(
  primitives: Primitives,
  plan: Plan,
  weights: ReadonlyMap<string, Tensor>,
  { x, loss }: { readonly x: Tensor; readonly loss: Loss },
  { dropout, batchNormalised, parameters, update }: GradientOptions,
): GradientResult {
  const values = new Map<string, Tensor>();
  const saved = new Map<string, readonly Tensor[]>();
  const active = activeSteps(plan, parameters);
  const lastReader = lastReaders(plan, active);
  const trainingOf = ({ node }: Step): Pick<Training, 'statistics' | 'dropout'> => ({
    statistics: batchNormalised.has(node.id) ? 'batch' : 'moving',
    dropout,
  });

  for (const [at, step] of plan.steps.entries()) {
    const inputs = step.id === plan.input ? [x] : step.inputs.map((id) => read(values, id));
    const y = runStep(primitives, step, weights, inputs, {
      ...trainingOf(step),
      save: (tensors) => saved.set(step.id, tensors),
      update: (updates) => {
        for (const [name, tensor] of Object.entries(updates)) update(`${step.node.id}/${name}`, tf.keep(tensor));
      },
    });
    values.set(step.id, y);
    for (const id of lastReader.get(at) ?? []) read(values, id).dispose();
  }

  const { lossSum, gradient } = loss(read(values, plan.output));
  const incoming = new Map<string, Tensor>([[plan.output, gradient]]);
  const gradients = new Map<string, Tensor>();
  for (const step of [...plan.steps].reverse()) {
    const dy = incoming.get(step.id);
    if (dy === undefined || !active.has(step.id)) continue;
    const y = read(values, step.id);
    const result = operationOf(step).backward(
      primitives,
      { config: step.node.config, weights: weightsOfStep(step, weights), pads: step.pads },
      {
        inputs: step.inputs.map((id) => read(values, id)),
        y,
        dy,
        saved: saved.get(step.id) ?? [],
        wanted: step.inputs.map((id) => active.has(id)),
        trained: isTrained(step, parameters),
        training: trainingOf(step),
      },
    );
    for (const [name, tensor] of Object.entries(result.weights ?? {})) gradients.set(`${step.node.id}/${name}`, tensor);
    for (const [at, id] of step.inputs.entries()) accumulate(incoming, id, result.inputs[at], active.has(id));
    // Every reader of y came before, and its own gradient is done.
    tf.dispose([dy, y, ...(saved.get(step.id) ?? [])]);
  }
  return { lossSum, gradients };
}

function accumulate(incoming: Map<string, Tensor>, id: string, gradient: Tensor | undefined, wanted: boolean): void {
  if (gradient === undefined) return;
  if (!wanted) return gradient.dispose();
  const before = incoming.get(id);
  if (before === undefined) return void incoming.set(id, gradient);
  incoming.set(id, tf.add(before, gradient));
  tf.dispose([before, gradient]);
}

function isTrained({ node, specs }: Step, parameters: ReadonlySet<string>): boolean {
  return specs.some(({ name }) => parameters.has(`${node.id}/${name}`));
}

/** Steps whose output depends on a parameter. */
function activeSteps(plan: Plan, parameters: ReadonlySet<string>): Set<string> {
  const active = new Set<string>();
  for (const step of plan.steps) {
    if (isTrained(step, parameters) || step.inputs.some((id) => active.has(id))) active.add(step.id);
  }
  return active;
}

function readsOf(step: Step): string[] {
  const { backwardReads } = operationOf(step);
  return [...(backwardReads.includes('inputs') ? step.inputs : []), ...(backwardReads.includes('output') ? [step.id] : [])];
}

/** Values that no gradient needs, by the place of the step that reads them last. */
function lastReaders(plan: Plan, active: ReadonlySet<string>): Map<number, string[]> {
  const last = new Map<string, number>();
  for (const [at, step] of plan.steps.entries()) for (const id of step.inputs) last.set(id, at);
  const needed = new Set(plan.steps.filter((step) => active.has(step.id)).flatMap(readsOf));
  const byPlace = new Map<number, string[]>();
  for (const [id, at] of last) {
    if (!needed.has(id)) byPlace.set(at, [...(byPlace.get(at) ?? []), id]);
  }
  return byPlace;
}
