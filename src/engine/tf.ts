import { createRequire } from 'node:module';
import type * as core from '@tensorflow/tfjs-core';

const require = createRequire(import.meta.url);

/**
 * The one instance of tfjs-core in the process. Required and not imported: the backends are CommonJS and register
 * themselves with the CommonJS build, while bundler-like loaders would resolve an import to the other one.
 */
export const tf: typeof core = require('@tensorflow/tfjs-core');

export type Tensor = core.Tensor;
export type Tensor1D = core.Tensor1D;
export type Tensor2D = core.Tensor2D;
export type Tensor4D = core.Tensor4D;
export type TensorInfo = core.TensorInfo;

/** The shape as plain numbers, whatever the rank. */
export const shapeOf = (tensor: Tensor): number[] => tensor.shape;
