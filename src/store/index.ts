export { type BlobRef, type Blobs, openBlobs } from './blobs.ts';
export { newId } from './ids.ts';
export { openStore, type Store, type Tables, type Transaction } from './store.ts';
export * as tables from './tables.ts';
