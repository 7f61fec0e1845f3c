import { implicitQl } from './symmetric.ts';

/**
 * A symmetric matrix under reduction, with the products that take nearly all of its time. They work on the rows and columns
 * from `from` on, and on three matrices V, A V and W of `width` columns, which lie one after the other in `columns`, each as
 * one row of side − from values for each of its columns.
 */
export interface ReducedMatrix {
  readonly side: number;
  /** A, side × side, row-major, both triangles. */
  readonly values: Float64Array;
  /** Columns that are reduced together: the band's width. A multiple of four. */
  readonly width: number;
  /** 3 × width × side values. */
  readonly columns: Float64Array;
  /** A V from V. */
  multiply(from: number): void;
  /** Vᵀ V and below it (A V)ᵀ V: 2 · width × width, row-major. */
  dots(from: number): Float64Array;
  /** W = [V, A V] C; C is 2 · width × width, row-major. */
  combine(from: number, c: Float64Array): void;
  /** A −= V Wᵀ + W Vᵀ. */
  update(from: number): void;
}

/** The lower triangle of a symmetric band matrix: entry (r, c) at c · (width + 2) + r − c, with room for one diagonal more. */
interface Band {
  readonly side: number;
  readonly width: number;
  readonly entries: Float64Array;
}

/**
 * All eigenvalues of a symmetric matrix, descending, in two stages: to a band by blocks of reflectors, so that nearly all of
 * the work is products of matrices, and from the band to tridiagonal form by rotations (Bischof, Lang & Sun 2000; Schwarz 1968).
 *
 * @param matrix overwritten
 */
export function eigenvaluesByBand(matrix: ReducedMatrix): Float64Array {
  const { diagonal, off } = tridiagonalise(reduceToBand(matrix));
  implicitQl(diagonal, off);
  return diagonal.sort().reverse();
}

function reduceToBand(matrix: ReducedMatrix): Band {
  const { side, values, width, columns } = matrix;
  const band: Band = { side, width, entries: new Float64Array(side * (width + 2)) };
  // As in symmetric.ts: what is left of a matrix of low rank is zero far below rounding.
  const negligible = Number.EPSILON ** 2 * values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  let first = 0;
  for (; first + width < side; first += width) {
    const from = first + width;
    const length = side - from;
    // A's rows are its columns: the panel lies as V is wanted.
    for (let c = 0; c < width; c++) {
      const row = (first + c) * side;
      columns.set(values.subarray(row + from, row + side), c * length);
      copyColumn(band, first + c, values, row + first + c, width - c);
    }
    const factors = reflect(columns, length, width, negligible, (c, r, value) => {
      band.entries[(first + c) * (width + 2) + width - c + r] = value;
    });
    matrix.multiply(from);
    matrix.combine(from, halfUpdate(matrix.dots(from), factors));
    matrix.update(from);
  }
  for (let c = first; c < side; c++) copyColumn(band, c, values, c * side + c, side - c);
  return band;
}

function copyColumn({ width, entries }: Band, column: number, values: Float64Array, at: number, count: number): void {
  for (let i = 0; i < count; i++) entries[column * (width + 2) + i] = values[at + i];
}

/**
 * QR factorisation of the panel of `length` × width that lies first in `panel`, by Householder reflections I − τ v vᵀ. It becomes
 * their vectors; R is told entry by entry.
 *
 * @returns τ of each
 */
function reflect(
  panel: Float64Array,
  length: number,
  width: number,
  negligible: number,
  tellR: (column: number, row: number, value: number) => void,
): Float64Array {
  const factors = new Float64Array(width);
  for (let c = 0; c < width; c++) {
    const row = c * length;
    for (let r = 0; r < Math.min(c, length); r++) {
      tellR(c, r, panel[row + r]);
      panel[row + r] = 0;
    }
    if (c >= length) continue;
    const edge = panel[row + c];
    const norm = Math.sqrt(dot(panel, row + c, panel, row + c, length - c));
    if (norm <= negligible) {
      tellR(c, c, edge);
      panel.fill(0, row, row + length);
      continue;
    }
    const target = edge > 0 ? -norm : norm;
    tellR(c, c, target);
    panel[row + c] = edge - target;
    factors[c] = 1 / (norm * norm - edge * target);
    const dots = new Float64Array(width);
    dotRows(panel, row + c, length, length - c, dots, c + 1);
    for (let other = c + 1; other < width; other++) {
      addScaled(panel, other * length + c, -factors[c] * dots[other], panel, row + c, length - c);
    }
  }
  return factors;
}

/**
 * With H(0) … H(width − 1) = I − V T Vᵀ (Schreiber & Van Loan 1989), A between the reflections is A − V Wᵀ − W Vᵀ for
 * W = A V T − ½ V Tᵀ (Vᵀ A V) T.
 *
 * @param dots Vᵀ V and (A V)ᵀ V
 * @returns C of W = [V, A V] C
 */
function halfUpdate(dots: Float64Array, factors: Float64Array): Float64Array {
  const width = factors.length;
  const c = new Float64Array(2 * width * width);
  const t = c.subarray(width * width);
  for (let column = 0; column < width; column++) {
    for (let i = 0; i < column; i++) {
      let sum = 0;
      for (let k = i; k < column; k++) sum += t[i * width + k] * dots[k * width + column];
      t[i * width + column] = -factors[column] * sum;
    }
    t[column * width + column] = factors[column];
  }
  const between = new Float64Array(width * width);
  for (let i = 0; i < width; i++) {
    for (let column = 0; column < width; column++) {
      let sum = 0;
      for (let k = 0; k <= column; k++) sum += dots[(width + k) * width + i] * t[k * width + column];
      between[i * width + column] = sum;
    }
  }
  for (let i = 0; i < width; i++) {
    for (let column = 0; column < width; column++) {
      let sum = 0;
      for (let k = 0; k <= i; k++) sum += t[k * width + i] * between[k * width + column];
      c[i * width + column] = -sum / 2;
    }
  }
  return c;
}

/** dots[r] = Σ x[i] x[i + distance], rows apart, for the rows r from `first` on; x begins in row first − 1. Four at a time share its loads. */
function dotRows(panel: Float64Array, at: number, stride: number, length: number, dots: Float64Array, first: number): void {
  let r = first;
  for (; r + 4 <= dots.length; r += 4) {
    let at0 = at + (r - first + 1) * stride;
    let at1 = at0 + stride;
    let at2 = at1 + stride;
    let at3 = at2 + stride;
    let d0 = 0;
    let d1 = 0;
    let d2 = 0;
    let d3 = 0;
    for (let i = at; i < at + length; i++) {
      const value = panel[i];
      d0 += value * panel[at0++];
      d1 += value * panel[at1++];
      d2 += value * panel[at2++];
      d3 += value * panel[at3++];
    }
    dots[r] = d0;
    dots[r + 1] = d1;
    dots[r + 2] = d2;
    dots[r + 3] = d3;
  }
  for (; r < dots.length; r++) dots[r] = dot(panel, at, panel, at + (r - first + 1) * stride, length);
}

/** Σ a[i] b[i] over `length` values from two places on. */
function dot(a: Float64Array, atA: number, b: Float64Array, atB: number, length: number): number {
  let d0 = 0;
  let d1 = 0;
  let d2 = 0;
  let d3 = 0;
  let i = 0;
  // Four sums do not wait for each other.
  for (; i + 4 <= length; i += 4) {
    d0 += a[atA + i] * b[atB + i];
    d1 += a[atA + i + 1] * b[atB + i + 1];
    d2 += a[atA + i + 2] * b[atB + i + 2];
    d3 += a[atA + i + 3] * b[atB + i + 3];
  }
  for (; i < length; i++) d0 += a[atA + i] * b[atB + i];
  return d0 + d1 + (d2 + d3);
}

/** y += scale · x over `length` values. */
function addScaled(y: Float64Array, atY: number, scale: number, x: Float64Array, atX: number, length: number): void {
  for (let i = 0; i < length; i++) y[atY + i] += scale * x[atX + i];
}

/** Column by column from the edge of the band inwards; each rotation's fill-in is chased off the end. */
function tridiagonalise(band: Band): { diagonal: Float64Array; off: Float64Array } {
  const { side, width, entries } = band;
  const stride = width + 2;
  for (let column = 0; column + 2 < side; column++) {
    for (let last = Math.min(column + width, side - 1); last >= column + 2; last--) {
      let zeroed = column;
      for (let row = last; row < side; row += width) {
        if (!rotate(band, zeroed, row)) break;
        zeroed = row - 1;
      }
    }
  }
  return {
    diagonal: Float64Array.from({ length: side }, (_, i) => entries[i * stride]),
    off: Float64Array.from({ length: side }, (_, i) => (i === 0 ? 0 : entries[(i - 1) * stride + 1])),
  };
}

/** Rotates rows and columns `row` − 1 and `row` so that entry (row, column) becomes zero; false where it is already. */
function rotate({ side, width, entries }: Band, column: number, row: number): boolean {
  const stride = width + 2;
  const at = column * stride + row - column;
  const lower = entries[at];
  if (lower === 0) return false;
  const upper = entries[at - 1];
  const length = Math.sqrt(upper * upper + lower * lower);
  const cosine = upper / length;
  const sine = lower / length;
  entries[at - 1] = length;
  entries[at] = 0;
  // Rows row − 1 and row, left of the diagonal.
  for (let c = column + 1, p = at + stride - 1; c < row - 1; c++, p += stride - 1) {
    const above = entries[p - 1];
    const below = entries[p];
    entries[p - 1] = cosine * above + sine * below;
    entries[p] = cosine * below - sine * above;
  }
  const left = (row - 1) * stride;
  const right = row * stride;
  const a = entries[left];
  const b = entries[left + 1];
  const d = entries[right];
  entries[left] = cosine * cosine * a + 2 * cosine * sine * b + sine * sine * d;
  entries[right] = sine * sine * a - 2 * cosine * sine * b + cosine * cosine * d;
  entries[left + 1] = (cosine * cosine - sine * sine) * b + cosine * sine * (d - a);
  // Columns row − 1 and row, below the diagonal; the last one fills in.
  const below = Math.min(width, side - 1 - row);
  for (let i = 1; i <= below; i++) {
    const x = entries[left + 1 + i];
    const y = entries[right + i];
    entries[left + 1 + i] = cosine * x + sine * y;
    entries[right + i] = cosine * y - sine * x;
  }
  return true;
}
