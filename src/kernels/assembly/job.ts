/**
 * One sum of products over windows: a convolution, or one of its gradients. TypeScript writes it into memory as 32-bit
 * words in this order (../convolution.ts); addresses and steps named so are bytes, the rest are counts.
 */
@unmanaged
export class Job {
  images: i32;
  groups: i32;

  /** The image as it lies in memory. */
  x: usize;
  height: i32;
  width: i32;
  /** Bytes of a pixel: all its channels. */
  pixel: usize;

  /** The image as the windows see it: zeros around, or cropped where negative. Where nothing differs it is read where it lies. */
  top: i32;
  left: i32;
  paddedHeight: i32;
  paddedWidth: i32;
  paddedPixel: usize;

  /** Where windows stand, and how many pixels apart. */
  rows: i32;
  columns: i32;
  rowStride: i32;
  columnStride: i32;

  /** What a window reads, and how many pixels apart. */
  tapRows: i32;
  tapColumns: i32;
  tapRowStride: i32;
  tapColumnStride: i32;
  /** Channels of a group, of x and of y. */
  inputs: i32;
  outputs: i32;

  /** What belongs to the windows: written, or in a kernel's gradient read. */
  y: usize;
  yImage: usize;
  yRow: usize;
  yColumn: usize;

  /** The kernel, and bytes from one of its values to the next along each axis. */
  kernel: usize;
  kernelGroup: i32;
  kernelRow: i32;
  kernelColumn: i32;
  kernelInput: i32;
  kernelOutput: i32;

  /** Windows, or tiles of Winograd's, that are run together, so that what they read stays in the cache. */
  chunk: i32;

  /** Scratch: the padded image, the windows' places, the kernel in blocks, dy with its channels in whole blocks. */
  padded: usize;
  places: usize;
  packed: usize;
  widened: usize;
  /** Scratch of Winograd's: lines that are half transformed, and after them the planes. */
  lines: usize;
}
