/** Images of one size with their labels, as training and evaluation take them. */
export interface ImageSet {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** count × height × width × 3, RGB, row-major. */
  readonly pixels: Uint8Array;
  /** count class indices. */
  readonly labels: Int32Array;
}
