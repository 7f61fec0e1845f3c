import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import { pack } from 'tar-stream';
import { createRandom } from '../src/core/random.ts';
import type { Service } from './service.ts';

export const SHADES_SIDE = 16;
const CLASSES = ['dark', 'light', 'striped'];

/** Registers 120 small noisy images of three classes; returns the dataset's id. */
export async function uploadShades(service: Service): Promise<string> {
  const tar = pack();
  for (const [label, name] of CLASSES.entries()) {
    for (let index = 0; index < 40; index++) {
      const random = createRandom(100 * label + index);
      const level = (y: number): number => (name === 'striped' ? (y % 4 < 2 ? 60 : 190) : name === 'dark' ? 70 : 180);
      const pixels = Uint8Array.from(
        { length: SHADES_SIDE * SHADES_SIDE * 3 },
        (_, at) => level(Math.floor(at / 3 / SHADES_SIDE)) + 60 * random.next(),
      );
      const png = await sharp(pixels, { raw: { width: SHADES_SIDE, height: SHADES_SIDE, channels: 3 } })
        .png()
        .toBuffer();
      tar.entry({ name: `${name}/${index}.png` }, png);
    }
  }
  tar.finalize();
  const made = await service.made(await service.upload('/datasets?fileName=shades.tar', await buffer(tar)), 'dataset');
  return String(made.id);
}
