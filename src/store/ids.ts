import { monotonicFactory } from 'ulid';

// Monotonic: ids made in one millisecond still sort in the order they were made.
const nextUlid = monotonicFactory();

/** A fresh opaque id, e.g. `mdl_01K7Q2Y3ZC8W5N4M6J1T0RVXAB`; later ids sort after earlier ones. */
export function newId(prefix: 'mdl' | 'dst' | 'prf' | 'rec' | 'prn' | 'cmp' | 'evl' | 'job'): string {
  return `${prefix}_${nextUlid()}`;
}
