import type { EpochRecord } from './types.ts';

/** The epoch of the highest validation accuracy, and of the lowest loss among equals; 0 before the first. */
export function peakOf(history: readonly EpochRecord[]): number {
  const isBetter = (a: EpochRecord, b: EpochRecord): boolean =>
    a.validationAccuracy === b.validationAccuracy ? a.validationLoss < b.validationLoss : a.validationAccuracy > b.validationAccuracy;
  return history.reduce<EpochRecord | undefined>((best, one) => (best && !isBetter(one, best) ? best : one), undefined)?.epoch ?? 0;
}

/**
 * Whether the last epoch is as good as any so far: its accuracy within one standard error of the highest (Breiman 1984, ch. 3.4.3,
 * for the size of trees). Of epochs that so few images cannot tell apart the highest is highest by chance, and the latest has been
 * trained for longest, at the lowest rate.
 *
 * @param images of validation
 */
export function isAsGood(history: readonly EpochRecord[], images: number): boolean {
  const highest = Math.max(...history.map(({ validationAccuracy }) => validationAccuracy));
  const standardError = Math.sqrt((highest * (1 - highest)) / images);
  return history[history.length - 1].validationAccuracy >= highest - standardError;
}
