export { readModel, type ModelFormat } from './read.ts';
export { writeTfjs, writeTfjsZip } from './tfjs-write.ts';
export { writeOnnx } from './onnx-write.ts';
export { writeKeras } from './keras3.ts';
export { writeDeepCompression, type DeepCompressionOptions, type DeepCompressionSizes } from './deep-compression.ts';
export { writeSafetensorsModel } from './safetensors-model.ts';
