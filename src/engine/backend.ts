import { createRequire } from 'node:module';
import { Failure } from '../core/failure.ts';
import type { LinearAlgebra } from '../core/linear/algebra.ts';
import { libraryAlgebra, wasmAlgebra } from './library-algebra.ts';
import { tensorflowAlgebra, type TensorflowBinding } from './linear-algebra.ts';
import { prepareNativeEnvironment } from './native-env.ts';
import { portable } from './primitives/portable.ts';
import { tensorflowPrimitives } from './primitives/tensorflow.ts';
import type { TensorflowBackend } from './primitives/tensorflow.ts';
import type { Primitives } from './primitives/types.ts';
import { openWasmKernels, wasmPrimitives } from './primitives/wasm.ts';
import { replaceSlowKernels } from './primitives/wasm-kernels.ts';
import type { WasmBackend } from './primitives/wasm.ts';
import { tf } from './tf.ts';
import type { BackendName, EngineInfo } from './types.ts';

const require = createRequire(import.meta.url);

export interface Backend {
  readonly info: EngineInfo;
  readonly primitives: Primitives;
  readonly linear: LinearAlgebra;
}

type Loaded = Pick<EngineInfo, 'version' | 'threads' | 'device'> & { readonly primitives: Primitives; readonly linear: LinearAlgebra };

/** How each backend is loaded; each call throws where the backend cannot run. */
export type Loaders = Readonly<Record<BackendName, (threads: number) => Promise<Loaded>>>;

const ownLoaders: Loaders = {
  async tensorflow(threads) {
    prepareNativeEnvironment(threads);
    require('@tensorflow/tfjs-node-gpu');
    await tf.setBackend('tensorflow');
    const backend: unknown = tf.backend();
    const { binding, isUsingGpuDevice } = backend as TensorflowBackend;
    return {
      version: binding.TF_Version,
      threads,
      device: isUsingGpuDevice ? 'gpu' : 'cpu',
      primitives: tensorflowPrimitives(backend as TensorflowBackend),
      linear: tensorflowAlgebra((backend as { binding: TensorflowBinding }).binding, libraryAlgebra),
    };
  },
  // One thread: the threaded build of tfjs-wasm needs a browser's workers.
  async wasm() {
    require('@tensorflow/tfjs-backend-wasm');
    await started('wasm');
    const backend = tf.backend() as unknown as WasmBackend;
    const kernels = openWasmKernels(backend);
    replaceSlowKernels(backend, kernels);
    return { version: tf.version_core, threads: 1, device: 'cpu', primitives: wasmPrimitives(backend, kernels), linear: wasmAlgebra };
  },
  async cpu() {
    require('@tensorflow/tfjs-backend-cpu');
    await started('cpu');
    return { version: tf.version_core, threads: 1, device: 'cpu', primitives: portable, linear: libraryAlgebra };
  },
};

async function started(name: BackendName): Promise<void> {
  if (!(await tf.setBackend(name))) throw new Error(`tfjs could not start its ${name} backend`);
  await tf.ready();
}

/**
 * Loads the backend asked for, or else the fastest that loads here.
 * @param reason why this backend was asked for; otherwise it is said why a faster one is not used.
 * @throws Failure `engine-unavailable` when the backend asked for does not load.
 */
export async function loadBackend(
  name: BackendName | undefined,
  threads: number,
  reason?: string,
  loaders: Loaders = ownLoaders,
): Promise<Backend> {
  tf.enableProdMode();
  if (name !== undefined) return load(loaders, name, threads, reason ?? 'asked for');
  try {
    return await load(loaders, 'tensorflow', threads, reason ?? 'the fastest, and it loads here');
  } catch (error) {
    const why = error instanceof Failure ? error.message : String(error);
    return load(loaders, 'wasm', threads, reason ?? why);
  }
}

async function load(loaders: Loaders, name: BackendName, threads: number, reason: string): Promise<Backend> {
  try {
    const { primitives, linear, ...info } = await loaders[name](threads);
    return { info: { backend: name, ...info, reason }, primitives, linear };
  } catch (error) {
    const [firstLine] = String(error instanceof Error ? error.message : error).split('\n');
    throw new Failure('engine-unavailable', `The ${name} engine does not load: ${firstLine}`, {
      hint:
        name === 'tensorflow'
          ? 'Run `espalier engine install`, or choose ESPALIER_ENGINE=wasm.'
          : 'Install the packages again with `npm run setup`.',
      cause: error,
    });
  }
}
