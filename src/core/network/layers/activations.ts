import type { ActivationName } from '../types.ts';

interface ActivationFunction {
  readonly nonNegative: boolean;
  of(x: number): number;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const hardSigmoid = (x: number): number => Math.min(6, Math.max(0, x + 3)) / 6;

/** The functions that an Activation layer may have, for the reference; the engine has its own, with their gradients. */
export const activations: Readonly<Record<ActivationName, ActivationFunction>> = {
  sigmoid: { nonNegative: true, of: sigmoid },
  hard_sigmoid: { nonNegative: true, of: hardSigmoid },
  swish: { nonNegative: false, of: (x) => x * sigmoid(x) },
  hard_swish: { nonNegative: false, of: (x) => x * hardSigmoid(x) },
  gelu: { nonNegative: false, of: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)) },
};

/** From here on erf is ±1 in double precision. */
const ERF_SATURATES = 6;

/** 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1·3·…·(2n+1)), whose terms all have one sign (Abramowitz & Stegun 7.1.6). */
function erf(x: number): number {
  if (Math.abs(x) >= ERF_SATURATES) return Math.sign(x);
  let term = x;
  let sum = 0;
  for (let n = 1; Math.abs(term) > Math.abs(sum) * Number.EPSILON; n++) {
    sum += term;
    term *= (2 * x * x) / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
