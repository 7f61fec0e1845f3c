import type { Random } from '../core/random.ts';
import { CHANNELS, copyImage } from './pixels.ts';
import type { Augmenter, Source } from './pixels.ts';
import type { Recipe } from './types.ts';

/** Share of the area, and height over width, that an erased rectangle may have (Zhong et al. 2020). */
const ERASED_AREA = [0.02, 0.33] as const;
const ERASED_ASPECT = [0.3, 1 / 0.3] as const;

/**
 * Random flip, rotation about the centre, shift, crop and erasing, drawn from `random` in this order for every image, and only what
 * is asked for. Positions outside take the nearest edge's value; between pixels the value is interpolated bilinearly; what is erased
 * is 0, the mean of most preprocessings.
 */
export function augmenterOf(augmentation: Recipe['augmentation'], random: Random): Augmenter {
  const { horizontalFlip, rotationDegrees, shift, crop = 1, erasing = 0 } = augmentation;
  const still = !horizontalFlip && rotationDegrees === 0 && shift === 0 && crop === 1;
  if (still && erasing === 0) return copyImage;
  const either = (): number => 2 * random.next() - 1;
  const place = ({ height, width }: Source): Placement => {
    const flip = horizontalFlip && random.next() < 0.5;
    const angle = rotationDegrees === 0 ? 0 : (either() * rotationDegrees * Math.PI) / 180;
    const down = shift === 0 ? 0 : either() * shift * height;
    const right = shift === 0 ? 0 : either() * shift * width;
    if (crop === 1) return { flip, angle, down, right, zoom: 1 };
    const zoom = Math.sqrt(crop + (1 - crop) * random.next());
    const slack = (1 - zoom) / 2;
    return { flip, angle, down: down + either() * slack * height, right: right + either() * slack * width, zoom };
  };
  return (source, target, offset) => {
    if (still) copyImage(source, target, offset);
    else sample(source, target, offset, place(source));
    if (erasing > 0 && random.next() < erasing) erase(source, target, offset, random);
  };
}

interface Placement {
  readonly flip: boolean;
  readonly angle: number;
  readonly down: number;
  readonly right: number;
  /** Side of the part that is shown, as a share of the image's. */
  readonly zoom: number;
}

/**
 * One output row after the other; along a row the place in the source moves by a constant step. Bytes are interpolated and then
 * normalised, which is the same because normalising is affine.
 */
function sample(source: Source, target: Float32Array, offset: number, { flip, angle, down, right, zoom }: Placement): void {
  const { pixels, height, width, table } = source;
  const [scale0, scale1, scale2] = [0, 1, 2].map((c) => (table[c * 256 + 255] - table[c * 256]) / 255);
  const [base0, base1, base2] = [table[0], table[256], table[512]];
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const middleY = (height - 1) / 2;
  const middleX = (width - 1) / 2;
  const step = flip ? -zoom : zoom;
  const firstX = (flip ? middleX : -middleX) * zoom - right;
  const stepY = -sin * step;
  const stepX = cos * step;
  let at = offset;
  for (let y = 0; y < height; y++) {
    const fromMiddleY = (y - middleY) * zoom - down;
    const rowY = middleY + cos * fromMiddleY - sin * firstX;
    const rowX = middleX + sin * fromMiddleY + cos * firstX;
    for (let x = 0; x < width; x++) {
      const sourceY = Math.min(Math.max(rowY + x * stepY, 0), height - 1);
      const sourceX = Math.min(Math.max(rowX + x * stepX, 0), width - 1);
      // Both are ≥ 0, where truncation is the floor.
      const top = sourceY | 0;
      const left = sourceX | 0;
      const low = sourceY - top;
      const far = sourceX - left;
      const upper = (top * width + left) * CHANNELS;
      const lower = top + 1 < height ? upper + width * CHANNELS : upper;
      const next = left + 1 < width ? CHANNELS : 0;
      const w00 = (1 - low) * (1 - far);
      const w01 = (1 - low) * far;
      const w10 = low * (1 - far);
      const w11 = low * far;
      const u = upper + next;
      const v = lower + next;
      target[at] = base0 + scale0 * (w00 * pixels[upper] + w01 * pixels[u] + w10 * pixels[lower] + w11 * pixels[v]);
      target[at + 1] = base1 + scale1 * (w00 * pixels[upper + 1] + w01 * pixels[u + 1] + w10 * pixels[lower + 1] + w11 * pixels[v + 1]);
      target[at + 2] = base2 + scale2 * (w00 * pixels[upper + 2] + w01 * pixels[u + 2] + w10 * pixels[lower + 2] + w11 * pixels[v + 2]);
      at += CHANNELS;
    }
  }
}

function erase({ height, width }: Source, target: Float32Array, offset: number, random: Random): void {
  const between = ([low, high]: readonly [number, number]): number => low + (high - low) * random.next();
  const area = between(ERASED_AREA) * height * width;
  const aspect = Math.exp(between([Math.log(ERASED_ASPECT[0]), Math.log(ERASED_ASPECT[1])]));
  const tall = Math.min(height, Math.max(1, Math.round(Math.sqrt(area * aspect))));
  const wide = Math.min(width, Math.max(1, Math.round(Math.sqrt(area / aspect))));
  const top = random.integer(height - tall + 1);
  const left = random.integer(width - wide + 1);
  for (let y = top; y < top + tall; y++) {
    const row = offset + (y * width + left) * CHANNELS;
    target.fill(0, row, row + wide * CHANNELS);
  }
}
