export { type BlobRef, type Blobs, openBlobs } from './blobs.ts';
export { newId } from './ids.ts';
export { acquireDataDir, type DataDirLock, type Owner, readOwner } from './owner.ts';
export { collectBlobs } from './references.ts';
export { openStore, type Store, type Tables, type Transaction } from './store.ts';
export * as tables from './tables.ts';
