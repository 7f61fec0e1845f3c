import { open } from 'node:fs/promises';
import sharp from 'sharp';
import { clusterOrder, placesOfTriangles, unpackTriangle } from '../core/dice/index.ts';
import { Failure } from '../core/failure.ts';
import type { SimilarityMatrix } from '../schema/profiles.ts';
import type { Context } from './context.ts';
import { hashOf } from './keys.ts';
import { profileRow } from './profiles.ts';

export interface LayerMatrix {
  /** The kernel that each row and column is of. */
  readonly order: Int32Array;
  /** kernels × kernels, row-major. */
  readonly similarity: Float32Array<ArrayBuffer>;
}

export interface StoredMatrix {
  /** Names the content: profile, layer and order. */
  readonly tag: string;
  read(): Promise<LayerMatrix>;
}

/** The similarity matrix of a profile's layer. Fails with `not-found` where the profile, the layer or its matrix is not there. */
export function getLayerMatrix(
  { store }: Context,
  { id, layer, order }: { id: string; layer: string; order: 'kernel' | 'cluster' },
): StoredMatrix {
  const { result, matrices } = profileRow(store.db, id, 'id');
  const place = result.layers.findIndex((each) => each.layer === layer);
  if (place < 0) {
    throw new Failure('not-found', `The profile has no layer "${layer}".`, {
      hint: `GET /profiles/${id} lists its layers.`,
      field: 'layer',
    });
  }
  const { kernels: count, dice, note } = result.layers[place];
  if (dice === undefined)
    throw new Failure('not-found', `Layer "${layer}" has no similarity matrix. ${note ?? ''}`.trim(), { field: 'layer' });
  if (matrices === null) {
    throw new Failure('not-found', 'This profile was made when matrices were not kept.', {
      hint: 'Profile the model with another seed.',
      field: 'id',
    });
  }
  // A layer without a matrix takes no room.
  const { from, length } = placesOfTriangles(result.layers.map((each) => (each.dice ? each.kernels : 1)))[place];
  return {
    tag: hashOf([matrices, from, order]),
    read: async () => {
      const packed = await readFloats(await store.blobs.localPath(matrices), from, length);
      const kernels = order === 'cluster' ? clusterOrder(packed, count) : Int32Array.from({ length: count }, (_, i) => i);
      return { order: kernels, similarity: unpackTriangle(packed, kernels) };
    },
  };
}

/** `count` float32 values of a file from the given one on. */
async function readFloats(path: string, from: number, count: number): Promise<Float32Array> {
  const values = new Float32Array(count);
  const handle = await open(path);
  try {
    await handle.read(new Uint8Array(values.buffer), 0, values.byteLength, from * Float32Array.BYTES_PER_ELEMENT);
  } finally {
    await handle.close();
  }
  return values;
}

/** The matrix as the API tells it. */
export function matrixDocument(profile: string, layer: string, { order, similarity }: LayerMatrix): SimilarityMatrix {
  const count = order.length;
  // Seven digits are what float32 holds.
  const rows = Array.from({ length: count }, (_, row) =>
    Array.from(similarity.subarray(row * count, (row + 1) * count), (value) => Number(value.toPrecision(7))),
  );
  return { profile, layer, order: [...order], similarity: rows };
}

/** Each value as a byte: 0 to 255 for S from 0 to 1. */
export function quantised({ similarity }: LayerMatrix): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(similarity, (value) => Math.round(255 * value));
}

/** Colours of the heat map from the matrix's smallest value off the diagonal to its largest: dark blue, teal, yellow. */
const COLOURS = [
  [24, 18, 66],
  [33, 104, 140],
  [72, 173, 129],
  [248, 230, 60],
] as const;
/** Smaller matrices are drawn with whole squares, so that a picture is not a stamp. */
const PICTURE_SIDE_MIN = 256;

/** The matrix as a PNG, one square a pair. */
export async function heatMap({ similarity, order }: LayerMatrix): Promise<Uint8Array<ArrayBuffer>> {
  const count = order.length;
  const offDiagonal = similarity.filter((_, at) => at % (count + 1) !== 0);
  const [low, high] = [offDiagonal.reduce((a, b) => Math.min(a, b), 1), offDiagonal.reduce((a, b) => Math.max(a, b), 0)];
  const pixels = new Uint8Array(count * count * 3);
  similarity.forEach((value, at) => {
    const place = high > low ? Math.min(1, (value - low) / (high - low)) * (COLOURS.length - 1) : COLOURS.length - 1;
    const below = Math.min(Math.floor(place), COLOURS.length - 2);
    for (let c = 0; c < 3; c++) pixels[at * 3 + c] = COLOURS[below][c] + (COLOURS[below + 1][c] - COLOURS[below][c]) * (place - below);
  });
  const side = count * Math.max(1, Math.ceil(PICTURE_SIDE_MIN / count));
  const picture = sharp(pixels, { raw: { width: count, height: count, channels: 3 } });
  return new Uint8Array(await picture.resize(side, side, { kernel: 'nearest' }).png().toBuffer());
}
