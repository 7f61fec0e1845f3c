import { operationOf } from './plan.ts';
import type { Plan, Step } from './plan.ts';
import type { Tensors, Training } from './operations.ts';
import type { Primitives } from './primitives/types.ts';
import { tf } from './tf.ts';
import type { Tensor } from './tf.ts';

/** Weights on the device, by `${node id}/${weight name}`. */
export type DeviceWeights = Map<string, Tensor>;

const keyOf = (step: Step, name: string): string => `${step.node.id}/${name}`;

export function weightsOfStep(step: Step, weights: ReadonlyMap<string, Tensor>): Record<string, Tensor> {
  const own: Record<string, Tensor> = {};
  for (const name of Object.keys(step.weights)) {
    const tensor = weights.get(keyOf(step, name));
    if (tensor === undefined) throw new Error(`No tensor for "${keyOf(step, name)}".`);
    own[name] = tensor;
  }
  return own;
}

/** Copies a plan's weights to the device; the caller disposes them. */
export function upload(plan: Plan): DeviceWeights {
  const weights: DeviceWeights = new Map();
  for (const step of plan.steps) {
    for (const [name, { shape, data }] of Object.entries(step.weights)) weights.set(keyOf(step, name), tf.tensor(data, [...shape]));
  }
  return weights;
}

export interface ForwardOptions {
  /** Sees the output of every step while it lives. */
  readonly observe?: (id: string, output: Tensor) => void;
  readonly training?: Pick<Training, 'statistics' | 'momentum' | 'dropout'>;
  /** Receives the replaced weights; their old tensors are the receiver's to dispose. */
  readonly update?: (key: string, tensor: Tensor) => void;
}

/**
 * Runs a plan on a batch and frees every value after its last reader.
 * @returns the output, which is the caller's; x stays the caller's too.
 */
export function forward(
  primitives: Primitives,
  plan: Plan,
  weights: ReadonlyMap<string, Tensor>,
  x: Tensor,
  options: ForwardOptions = {},
): Tensor {
  return tf.tidy(() => {
    const values = new Map<string, Tensor>();
    const readers = new Map<string, number>([[plan.output, 1]]);
    for (const id of plan.steps.flatMap((step) => step.inputs)) readers.set(id, (readers.get(id) ?? 0) + 1);
    for (const step of plan.steps) {
      const inputs = step.id === plan.input ? [x] : step.inputs.map((id) => read(values, id));
      const training = options.training && {
        ...options.training,
        save: (saved: readonly Tensor[]): void => tf.dispose([...saved]),
        update: (updates: Tensors): void => {
          for (const [name, tensor] of Object.entries(updates)) options.update?.(keyOf(step, name), tf.keep(tensor));
        },
      };
      const y = runStep(primitives, step, weights, inputs, training);
      values.set(step.id, y);
      options.observe?.(step.id, y);
      for (const id of step.inputs) {
        const left = (readers.get(id) ?? 0) - 1;
        readers.set(id, left);
        if (left === 0) read(values, id).dispose();
      }
    }
    return read(values, plan.output);
  });
}

export function runStep(
  primitives: Primitives,
  step: Step,
  weights: ReadonlyMap<string, Tensor>,
  inputs: readonly Tensor[],
  training?: Training,
): Tensor {
  const call = { config: step.node.config, weights: weightsOfStep(step, weights), pads: step.pads };
  const y = operationOf(step).forward(primitives, call, inputs, training);
  if (step.activation === undefined) return y;
  const activated = primitives.relu(y, step.activation.maxValue);
  y.dispose();
  return activated;
}

export function read<T>(values: ReadonlyMap<string, T>, id: string): T {
  const value = values.get(id);
  if (value === undefined) throw new Error(`No value of "${id}".`);
  return value;
}
