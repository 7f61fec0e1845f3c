// Kernels that train, in place on tfjs-wasm's memory: no runtime, no globals, no data segment, so that nothing collides there.
export { adamw } from './adamw';
export { correlate } from './correlate';
export { depthwise, depthwiseKernelGradient } from './depthwise';
export { kernelGradient } from './kernel-gradient';
export { normalise, normaliseGradient } from './normalise';
export { rectify, rectifyGradient } from './rectify';
export { winograd } from './winograd';
export { winogradKernelGradient } from './winograd-gradient';
