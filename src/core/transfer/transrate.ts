import type { Rows } from '../linear/gram.ts';
import { type Decomposition, principalCoordinates } from './decomposition.ts';
import { rowsOf, sumOf, takeImages } from './features.ts';
import type { Measured } from './influence.ts';

const DISTORTION = 1e-4;

/**
 * TransRate (Huang 2022): coding rate of the centred features minus the unweighted mean rate of the classes,
 * R = ½ logdet(I + FᵀF / (n ε)), ε = 1e-4. An image's influence is its leverage in the whole less that in its class, and
 * what moving the common mean does to the classes.
 */
export function transRate(parts: Decomposition): Measured {
  const { count, sigma, members } = parts;
  const floor = count * DISTORTION;
  const coordinates = principalCoordinates(parts);
  const present = members.filter((images) => images.length > 0);
  const share = 1 / present.length;

  let value = 0;
  let held = 0;
  for (const variance of sigma) {
    value += Math.log1p(variance / floor) / 2;
    held += variance / (floor + variance);
  }
  const influence = new Float64Array(count);
  const pull = new Float64Array(sigma.length);
  for (const images of present) {
    const rate = codingRate(parts, rowsOf(takeImages(coordinates, images)), sumOf(coordinates, images));
    value -= rate.value * share;
    const mean = rate.leverage.reduce((a, b) => a + b, 0) / images.length;
    images.forEach((image, i) => (influence[image] -= ((rate.leverage[i] - mean) / 2) * share));
    rate.pull.forEach((along, k) => (pull[k] += along * share));
  }
  for (let image = 0; image < count; image++) {
    for (let k = 0; k < sigma.length; k++) {
      const coordinate = coordinates.values[image * sigma.length + k];
      influence[image] += coordinate ** 2 / (2 * (floor + sigma[k])) + (coordinate * pull[k]) / count;
    }
    influence[image] -= held / (2 * count);
  }
  return { value, influence };
}

interface CodingRate {
  readonly value: number;
  /** Of each image, xᵀ (n ε + G)⁻¹ x. */
  readonly leverage: Float64Array;
  /** (n ε + G)⁻¹ times the sum of the images. */
  readonly pull: Float64Array;
}

/** From the smaller of G = ZᵀZ and ZZᵀ, in which n ε is added to the diagonal. */
function codingRate({ linear }: Decomposition, rows: Rows, sum: Float64Array): CodingRate {
  const { count, size, values } = rows;
  const floor = count * DISTORTION;
  const wide = count < size;
  const side = wide ? count : size;
  const matrix = wide ? linear.gramOfRows(rows) : linear.gramOfColumns(rows);
  for (let at = 0; at < matrix.length; at += side + 1) matrix[at] += floor;
  const columns = count + 1;
  const right = new Float64Array(side * columns);
  for (let image = 0; image < count; image++) {
    if (wide) right[image * columns + image] = right[image * columns + count] = 1;
    else for (let k = 0; k < size; k++) right[k * columns + image] = values[image * size + k];
  }
  if (!wide) sum.forEach((along, k) => (right[k * columns + count] = along));
  const { solution, logDeterminant } = linear.solve(matrix, side, right, columns);
  const leverage = new Float64Array(count);
  const pull = new Float64Array(size);
  for (let image = 0; image < count; image++) {
    // Seen from the images, Z (n ε + ZᵀZ)⁻¹ Zᵀ = 1 − n ε (n ε + ZZᵀ)⁻¹.
    if (wide) leverage[image] = 1 - floor * solution[image * columns + image];
    else for (let k = 0; k < size; k++) leverage[image] += values[image * size + k] * solution[k * columns + image];
    if (wide) for (let k = 0; k < size; k++) pull[k] += values[image * size + k] * solution[image * columns + count];
  }
  if (!wide) for (let k = 0; k < size; k++) pull[k] = solution[k * columns + count];
  return { value: (logDeterminant - side * Math.log(floor)) / 2, leverage, pull };
}
