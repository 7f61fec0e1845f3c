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

/** The images from `begin` up to `end`; those in memory are shared and not copied. */
export function sliceImages(images: ImageSet, begin: number, end: number): ImageSet {
  const bytes = images.height * images.width * 3;
  return {
    ...images,
    count: end - begin,
    pixels: images.pixels.subarray(begin * bytes, end * bytes),
    labels: images.labels.subarray(begin, end),
  };
}

/** The first `count` images, or all of them. A split is stored in random order, so this is a random sample. */
export const firstImages = (images: ImageSet, count: number): ImageSet => (count >= images.count ? images : sliceImages(images, 0, count));
