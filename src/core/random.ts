/** A seeded source of randomness; the same seed gives the same sequence on every machine. */
export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  next(): number;
  /** Uniform integer in [0, bound). */
  integer(bound: number): number;
  /** Standard normal (Box–Muller). */
  normal(): number;
  /** Shuffles in place (Fisher–Yates) and returns its argument. */
  shuffle<T extends { length: number; [index: number]: number }>(values: T): T;
  /** Internal state, to go on later from a checkpoint with {@link restoreRandom}. */
  state(): number;
}

/** Mulberry32: one 32-bit counter, mixed. Enough for shuffles, initialisers and bootstraps; not for secrets. */
export function createRandom(seed: number): Random {
  return restoreRandom(Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0);
}

/** Goes on from a {@link Random.state}. */
export function restoreRandom(state: number): Random {
  let counter = state >>> 0;
  const next = (): number => {
    counter = (counter + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(counter ^ (counter >>> 15), counter | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const integer = (bound: number): number => Math.floor(next() * bound);
  return {
    next,
    integer,
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    shuffle: (values) => {
      for (let i = values.length - 1; i > 0; i--) {
        const j = integer(i + 1);
        [values[i], values[j]] = [values[j], values[i]];
      }
      return values;
    },
    state: () => counter,
  };
}
