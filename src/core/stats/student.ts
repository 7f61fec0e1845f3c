/** Points of the trapezoid rule; the quantile is then right to five digits for every number of degrees of freedom. */
const POINTS = 20_000;
/** Beyond it Student's distribution is the normal one to a thousandth. */
const FREEDOM_MAX = 1000;

/**
 * The t that holds 95 % of Student's distribution (1908) between −t and t. With t = √ν·tan θ its density is
 * proportional to cos^(ν−1) θ, smooth on a bounded interval.
 *
 * @param freedom degrees of freedom ν ≥ 1, not necessarily whole
 */
export function studentT95(freedom: number): number {
  const nu = Math.min(freedom, FREEDOM_MAX);
  const step = Math.PI / 2 / POINTS;
  const density = (point: number): number => Math.cos(point * step) ** (nu - 1);
  const upTo = new Float64Array(POINTS + 1);
  for (let point = 1; point <= POINTS; point++) {
    // cos(π/2) is not exactly 0, and its power 0 at ν = 1 is 1 as it must be.
    upTo[point] = upTo[point - 1] + (density(point - 1) + density(point)) / 2;
  }
  const wanted = 0.95 * upTo[POINTS];
  const after = upTo.findIndex((area) => area >= wanted);
  const share = (wanted - upTo[after - 1]) / (upTo[after] - upTo[after - 1]);
  return Math.sqrt(nu) * Math.tan((after - 1 + share) * step);
}
