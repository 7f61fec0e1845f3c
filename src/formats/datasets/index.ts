export type { DatasetReport, ImageEntry, SplitName } from './container.ts';
export { importDataset, type ImportOptions } from './import.ts';
export { openDataset, type Dataset, type EncodedImage, type PackOptions } from './open.ts';
export { openPacked } from './packed.ts';
export type { Sample } from './samples.ts';
