import { availableParallelism } from 'node:os';
import { activations, streamActivations } from './activations.ts';
import { loadBackend } from './backend.ts';
import type { Backend } from './backend.ts';
import { gradients } from './gradients.ts';
import { features, logits, logitsOf } from './infer.ts';
import { latency, speedCheck } from './latency.ts';
import { observe } from './observe.ts';
import { recalibrate } from './recalibrate.ts';
import { train } from './train.ts';
import type { BackendName, Engine } from './types.ts';

export type * from './types.ts';

/**
 * Opens the engine: the backend asked for, or TensorFlow where it loads, else wasm. One per process.
 * @param options.threads CPU threads, all by default. A training gives the same bits again for the same seed, backend and
 * number of threads (tested with 1 and 2); another number of threads adds up in another order. One thread is the mode
 * that promises it.
 * @param options.reason why this backend was asked for, as `info.reason` shall say it.
 * @throws Failure `engine-unavailable` when the backend asked for does not load.
 */
export async function openEngine(
  options: { readonly backend?: BackendName; readonly threads?: number; readonly reason?: string } = {},
): Promise<Engine> {
  return engineOf(await loadBackend(options.backend, options.threads ?? availableParallelism(), options.reason));
}

export function engineOf(backend: Backend): Engine {
  return {
    info: backend.info,
    linear: backend.linear,
    logits: (network, images, runOptions) => logits(backend, network, images, runOptions),
    logitsOf: (network, inputs) => logitsOf(backend, network, inputs),
    features: (network, images, runOptions) => features(backend, network, images, runOptions),
    activations: (network, images, runOptions) => activations(backend, network, images, runOptions),
    streamActivations: (network, images, runOptions, sink) => streamActivations(backend, network, images, runOptions, sink),
    observe: (network, images, runOptions) => observe(backend, network, images, runOptions),
    gradients: (network, images, runOptions) => gradients(backend, network, images, runOptions),
    recalibrate: (network, images, runOptions) => recalibrate(backend, network, images, runOptions),
    train: (network, trainSet, validation, recipe, trainOptions) => train(backend, network, trainSet, validation, recipe, trainOptions),
    latency: (networks, runOptions) => latency(backend, networks, runOptions),
    speedCheck: () => speedCheck(backend),
  };
}
