import picocolors from 'picocolors';

/** Colour only on a terminal; picocolors alone would also colour the pipes of a CI. NO_COLOR is respected. */
export const pc = picocolors.createColors(picocolors.isColorSupported && process.stdout.isTTY === true);
