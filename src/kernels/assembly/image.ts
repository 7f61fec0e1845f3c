import { Job } from './job';

/** Whether windows reach beyond the image, leave its first rows out, or want its pixels wider. */
function isPadded(job: Job): bool {
  const moved = job.top !== 0 || job.left !== 0;
  return moved || job.paddedHeight !== job.height || job.paddedWidth !== job.width || job.paddedPixel !== job.pixel;
}

/** Clears the padded image once; {@link imageOf} then writes only what lies inside. */
export function preparePadding(job: Job): void {
  if (isPadded(job)) memory.fill(job.padded, 0, <usize>(job.paddedHeight * job.paddedWidth) * job.paddedPixel);
}

/** The address of image n as the windows see it, once {@link imageOf} has padded it. */
export function addressOf(job: Job, n: i32): usize {
  return isPadded(job) ? job.padded : job.x + <usize>(n * job.height * job.width) * job.pixel;
}

/** The address of image n as the windows see it, padded in the place of the one before it. */
export function imageOf(job: Job, n: i32): usize {
  const image = job.x + <usize>(n * job.height * job.width) * job.pixel;
  if (!isPadded(job)) return image;
  const firstRow = max(0, -job.top);
  const lastRow = min(job.height, job.paddedHeight - job.top);
  const firstColumn = max(0, -job.left);
  const columns = min(job.width, job.paddedWidth - job.left) - firstColumn;
  for (let row = firstRow; row < lastRow; row++) {
    let from = image + <usize>(row * job.width + firstColumn) * job.pixel;
    let to = job.padded + <usize>((row + job.top) * job.paddedWidth + firstColumn + job.left) * job.paddedPixel;
    if (job.pixel === job.paddedPixel) {
      copyFloats(from, to, columns * <i32>(job.pixel / 4));
      continue;
    }
    for (let column = 0; column < columns; column++) {
      copyFloats(from, to, <i32>(job.pixel / 4));
      from += job.pixel;
      to += job.paddedPixel;
    }
  }
  return job.padded;
}

export function copyFloats(from: usize, to: usize, count: i32): void {
  let left = count;
  for (; left >= 4; left -= 4) {
    v128.store(to, v128.load(from));
    from += 16;
    to += 16;
  }
  for (; left > 0; left--) {
    store<f32>(to, load<f32>(from));
    from += 4;
    to += 4;
  }
}
