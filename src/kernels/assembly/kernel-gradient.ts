import { BLOCK, columnBytes, rowBytes } from './correlate';
import { copyFloats, imageOf, preparePadding } from './image';
import { Job } from './job';
import { Matrix } from './multiply';

/**
 * kernel[tap, i, o] = Σ over images and windows of x[window + tap, i] · y[window, o], in every group. Sums are kept as
 * [group][run][value][output], outputs in whole blocks and values in whole fours, so that none reaches past the end; a run is
 * what a window reads without a gap.
 */
export function kernelGradient(job: Job): void {
  const channels = <usize>(((job.outputs + BLOCK - 1) / BLOCK) * BLOCK) * 4;
  const sumsOfGroup = <usize>(runs(job) * ((runOf(job) + 3) & ~3)) * channels;
  const rowsOfChunk = max(1, job.chunk / job.columns);
  memory.fill(job.packed, 0, <usize>job.groups * sumsOfGroup);
  preparePadding(job);
  const wholeBlocks = job.outputs % BLOCK === 0;
  const yColumn = wholeBlocks ? job.yColumn : <usize>job.groups * channels;
  for (let n = 0; n < job.images; n++) {
    const image = imageOf(job, n);
    const y = wholeBlocks ? job.y + <usize>n * job.yImage : widen(job, job.y + <usize>n * job.yImage);
    for (let row = 0; row < job.rows; row += rowsOfChunk) {
      const rows = min(rowsOfChunk, job.rows - row);
      for (let group = 0; group < job.groups; group++) {
        addChunk(
          job,
          image + <usize>row * rowBytes(job) + <usize>(group * job.inputs) * 4,
          y + <usize>(row * job.columns) * yColumn + <usize>group * channels,
          yColumn,
          rows,
          job.packed + <usize>group * sumsOfGroup,
          channels,
        );
      }
    }
  }
  for (let group = 0; group < job.groups; group++) unpack(job, group, job.packed + <usize>group * sumsOfGroup, channels);
}

/** Taps in a row that touch make one run. */
function isTouching(job: Job): bool {
  return job.groups === 1 && job.tapColumnStride === 1;
}

function runs(job: Job): i32 {
  return isTouching(job) ? job.tapRows : job.tapRows * job.tapColumns;
}

/** Values of a run. */
function runOf(job: Job): i32 {
  return isTouching(job) ? job.tapColumns * job.inputs : job.inputs;
}

/** Copies an image of y so that each group's channels fill whole blocks. */
function widen(job: Job, from: usize): usize {
  const channels = ((job.outputs + BLOCK - 1) / BLOCK) * BLOCK;
  let to = job.widened;
  for (let left = job.rows * job.columns * job.groups; left > 0; left--) {
    copyFloats(from, to, job.outputs);
    for (let channel = job.outputs; channel < channels; channel++) store<f32>(to + <usize>channel * 4, 0);
    from += <usize>job.outputs * 4;
    to += <usize>channels * 4;
  }
  return job.widened;
}

/** Adds some rows of one group to every sum. Of a run's last four values those past its end are summed too, and dropped. */
function addChunk(job: Job, x: usize, y: usize, yColumn: usize, rows: i32, sums: usize, channels: usize): void {
  const xRow = rowBytes(job);
  const xColumn = columnBytes(job);
  // Rows that touch are one long row.
  const touching = xRow === <usize>job.columns * xColumn;
  const lines = touching ? 1 : rows;
  const columns = touching ? rows * job.columns : job.columns;
  const columnsOfTaps = isTouching(job) ? 1 : job.tapColumns;
  const values = runOf(job);
  for (let run = 0; run < runs(job); run++) {
    const row = (run / columnsOfTaps) * job.tapRowStride * job.paddedWidth;
    const from = x + <usize>(row + (run % columnsOfTaps) * job.tapColumnStride) * job.paddedPixel;
    for (let output: usize = 0; output < channels; output += <usize>BLOCK * 4) {
      Matrix.multiply(from, 4, xColumn, y + output, yColumn, columns, values, sums + output, channels, true, lines, xRow);
    }
    sums += <usize>((values + 3) & ~3) * channels;
  }
}

function unpack(job: Job, group: i32, sums: usize, channels: usize): void {
  const values = runOf(job);
  // Taps and inputs follow one another in the kernel.
  let to = job.kernel + group * job.kernelGroup;
  for (let run = 0; run < runs(job); run++) {
    for (let value = 0; value < values; value++) {
      copyFloats(sums + <usize>value * channels, to, job.outputs);
      to += job.kernelInput;
    }
    sums += <usize>((values + 3) & ~3) * channels;
  }
}
