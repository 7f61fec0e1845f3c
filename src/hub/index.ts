export { fetchDocument, type Wire } from './exchange.ts';
export { isLoopback } from './guard.ts';
export { addressOf, findRepository, hubRefusal, modelFileOf, type HubWire, type Repository } from './repository.ts';
export { withDownload } from './shelf.ts';
export { toldByConfig } from './timm.ts';
export type { Downloaded, Wanted } from './transfer.ts';
