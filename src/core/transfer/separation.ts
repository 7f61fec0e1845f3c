import { gramOfColumns, gramOfRows } from '../linear/gram.ts';
import { symmetricEigenvalues } from '../linear/symmetric.ts';
import { centred, classGram, type ClassSpectrum, type Features, imagesByClass, rowsOf, spectrumOf, sumOf, takeImages } from './features.ts';

/** For each direction of the centred features: the share of it that class means explain, Σ_c (Uᵀ 1_c)² / n_c. */
function betweenClasses({ sigma, projections }: ClassSpectrum, sizes: readonly number[]): Float64Array {
  return Float64Array.from(sigma, (_, k) =>
    sizes.reduce((sum, size, label) => (size === 0 ? sum : sum + projections[k * sizes.length + label] ** 2 / size), 0),
  );
}

/**
 * H-score (Bao 2019): tr(pinv(cov F) · cov g), g the class mean of each image's features, in float64. Eigenvalues below
 * max(count, dimensions) · ε of the largest are rounding and not inverted. With fewer images than dimensions it is the
 * number of classes less one, whatever the features.
 */
export function hScore(features: Features, labels: ArrayLike<number>, classes: number): number {
  const sizes = imagesByClass(labels, classes).map((images) => images.length);
  return betweenClasses(spectrumOf(classGram(centred(features), labels, classes)), sizes).reduce((a, b) => a + b, 0);
}

/**
 * Regularised H-score (Ibrahim 2022): tr(pinv(Σ_LW) · (1 − α) · cov g) with Ledoit and Wolf's shrinkage α. As published,
 * Σ_LW divides by count and cov g by count − 1.
 */
export function regularisedHScore(features: Features, labels: ArrayLike<number>, classes: number): number {
  const { dimensions, values } = centred(features);
  const count = labels.length;
  const spectrum = spectrumOf(classGram({ dimensions, values }, labels, classes));
  const variances = spectrum.sigma.map((sigma) => sigma / count);
  const trace = variances.reduce((a, b) => a + b, 0);
  const average = trace / dimensions;
  const alpha = shrinkage({ dimensions, values }, count, variances, average);
  const between = betweenClasses(
    spectrum,
    imagesByClass(labels, classes).map((images) => images.length),
  );
  return variances.reduce((sum, variance, k) => {
    const betweenVariance = (between[k] * spectrum.sigma[k]) / (count - 1);
    return sum + ((1 - alpha) * betweenVariance) / ((1 - alpha) * variance + alpha * average);
  }, 0);
}

/** Ledoit and Wolf's (2004) optimal weight of the average variance. */
function shrinkage({ dimensions, values }: Features, count: number, variances: Float64Array, average: number): number {
  let fourth = 0;
  for (let row = 0; row < values.length; row += dimensions) {
    let square = 0;
    for (let d = 0; d < dimensions; d++) square += values[row + d] ** 2;
    fourth += square * square;
  }
  const squares = variances.reduce((sum, variance) => sum + variance * variance, 0);
  const noise = (fourth / count - squares) / (dimensions * count);
  const spread = squares / dimensions - average * average;
  return spread === 0 ? 1 : Math.min(noise, spread) / spread;
}

const DISTORTION = 1e-4;

/**
 * TransRate (Huang 2022): coding rate of the centred features minus the unweighted mean rate of the classes,
 * R = ½ logdet(I + FᵀF / (n ε)), ε = 1e-4.
 */
export function transRate(features: Features, labels: ArrayLike<number>, classes: number): number {
  const all = centred(features);
  const members = imagesByClass(labels, classes).filter((images) => images.length > 0);
  const within = members.reduce((sum, images) => sum + codingRate(takeImages(all, images)), 0);
  return codingRate(all) - within / members.length;
}

function codingRate(features: Features): number {
  const count = features.values.length / features.dimensions;
  const eigenvalues =
    count < features.dimensions
      ? symmetricEigenvalues(gramOfRows(rowsOf(features)), count)
      : symmetricEigenvalues(gramOfColumns(rowsOf(features)), features.dimensions);
  return eigenvalues.reduce((sum, value) => sum + Math.log1p(Math.max(0, value) / (count * DISTORTION)), 0) / 2;
}

const VARIANCE_FLOOR = 1e-4;

/**
 * GBC (Pándy 2022): −Σ over ordered pairs of classes of exp(−D_B), D_B the Bhattacharyya distance of Gaussians with the
 * classes' means and variances (floored at 1e-4).
 *
 * @param shape `diagonal`: a variance for each dimension; `spherical`: their mean, its logarithm counted once
 */
export function gbc(features: Features, labels: ArrayLike<number>, classes: number, shape: 'spherical' | 'diagonal'): number {
  const gaussians = imagesByClass(labels, classes)
    .filter((images) => images.length > 0)
    .map((images) => {
      const mean = sumOf(features, images).map((sum) => sum / images.length);
      const variance = new Float64Array(mean.length);
      for (const image of images) {
        for (let d = 0; d < mean.length; d++) {
          variance[d] += (features.values[image * mean.length + d] - mean[d]) ** 2 / images.length;
        }
      }
      const floored = variance.map((value) => Math.max(value, VARIANCE_FLOOR));
      return { mean, variance: shape === 'diagonal' ? floored : Float64Array.of(floored.reduce((a, b) => a + b) / mean.length) };
    });
  let overlap = 0;
  for (const [i, a] of gaussians.entries()) {
    for (const b of gaussians.slice(0, i)) {
      let distance = 0;
      a.mean.forEach((mean, d) => {
        const k = shape === 'diagonal' ? d : 0;
        distance += (mean - b.mean[d]) ** 2 / (4 * (a.variance[k] + b.variance[k]));
      });
      a.variance.forEach((variance, k) => {
        distance += Math.log((variance + b.variance[k]) / 2) / 2 - (Math.log(variance) + Math.log(b.variance[k])) / 4;
      });
      overlap += 2 * Math.exp(-distance);
    }
  }
  return -overlap;
}
