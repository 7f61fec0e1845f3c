/** Bytes of images, in memory (a Uint8Array is one) or elsewhere, read when they are asked for. */
export interface Pixels {
  readonly length: number;
  /** The bytes from `begin` up to `end`; not to be changed. */
  subarray(begin: number, end: number): Uint8Array;
}

/** Images of one size with their labels, as training and evaluation take them. */
export interface ImageSet {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** count × height × width × 3, RGB, row-major. */
  readonly pixels: Pixels;
  /** count class indices. */
  readonly labels: Int32Array;
}
