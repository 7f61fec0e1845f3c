import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { Failure } from '../core/failure.ts';
import { limits } from '../limits.ts';
import { decodeImage, encodePng, inspectImage, mediaTypeOf, resizeRaw } from './images.ts';

/** 4 × 6 pixels (height × width) whose red grows to the right and green downwards. */
const ramp = Uint8Array.from({ length: 4 * 6 * 3 }, (_, i) => {
  const pixel = Math.floor(i / 3);
  return [(pixel % 6) * 40, Math.floor(pixel / 6) * 60, 90][i % 3];
});
const rampImage = () => sharp(ramp, { raw: { height: 4, width: 6, channels: 3 } });
const solid = (background: string, height = 4, width = 4) => sharp({ create: { height, width, channels: 4, background } });
const failureOf = async (work: Promise<unknown>): Promise<Failure> => {
  const error = await work.catch((thrown: unknown) => thrown);
  if (!(error instanceof Failure)) throw new Error(`no Failure but ${String(error)}`);
  return error;
};

describe('decodeImage', () => {
  it('keeps the pixels of an image that has the size already', async () => {
    expect([...(await decodeImage(await rampImage().png().toBuffer(), { height: 4, width: 6 }))]).toEqual([...ramp]);
  });

  it('cuts out the centre: of 4 × 6 at 4 × 4 the columns 1 to 4 stay', async () => {
    const pixels = await decodeImage(await rampImage().png().toBuffer(), { height: 4, width: 4 });
    expect([0, 3, 6, 9].map((i) => pixels[i])).toEqual([40, 80, 120, 160]);
  });

  it('scales small images up and large ones down by the shorter side', async () => {
    const png = await rampImage().png().toBuffer();
    expect(await decodeImage(png, { height: 32, width: 32 })).toHaveLength(32 * 32 * 3);
    expect(await decodeImage(png, { height: 2, width: 2 })).toHaveLength(2 * 2 * 3);
  });

  it('averages when it shrinks: a one-pixel checkerboard becomes grey', async () => {
    const board = Uint8Array.from({ length: 64 * 64 }, (_, i) => (((i % 64) + Math.floor(i / 64)) % 2 === 0 ? 0 : 255));
    const pixels = await resizeRaw({ height: 64, width: 64, channels: 1, pixels: board }, { height: 8, width: 8 });
    expect(Math.max(...pixels.map((value) => Math.abs(value - 127.5)))).toBeLessThan(20);
  });

  it.each([
    ['grey', () => rampImage().greyscale().png()],
    ['grey 16 bits', () => rampImage().greyscale().toColourspace('grey16').png()],
  ])('repeats %s over three channels', async (_name, make) => {
    const pixels = await decodeImage(await make().toBuffer(), { height: 4, width: 6 });
    const grey = await decodeImage(await rampImage().greyscale().png().toBuffer(), { height: 4, width: 6 });
    expect([...pixels]).toEqual([...grey]);
    expect(pixels[0]).toBe(pixels[2]);
  });

  it('reads 16-bit RGB, a palette, CMYK and WebP as 8-bit RGB', async () => {
    const sixteen = await decodeImage(await rampImage().toColourspace('rgb16').png().toBuffer(), { height: 4, width: 6 });
    expect(Math.max(...sixteen.map((value, i) => Math.abs(value - ramp[i])))).toBeLessThanOrEqual(1);
    const red = solid('#ff0000').flatten();
    for (const file of [
      red.clone().png({ palette: true }),
      red.clone().webp(),
      red.clone().gif(),
      red.clone().toColourspace('cmyk').jpeg(),
    ]) {
      const [r, g, b] = await decodeImage(await file.toBuffer(), { height: 4, width: 4 });
      expect(r).toBeGreaterThan(220);
      expect(Math.max(g, b)).toBeLessThan(60);
    }
  });

  it('lays transparency on white', async () => {
    const pixels = await decodeImage(await solid('rgba(0, 0, 0, 0)').png().toBuffer(), { height: 4, width: 4 });
    expect(new Set(pixels)).toEqual(new Set([255]));
  });

  it('turns an image as its EXIF orientation says', async () => {
    const turned = await rampImage().jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).withMetadata({ orientation: 6 }).toBuffer();
    const pixels = await decodeImage(turned, { height: 6, width: 4 });
    // A quarter turn clockwise: the left bottom corner (red 0, green 180) comes to the left top.
    expect(pixels[1]).toBeGreaterThan(150);
    expect(pixels[0]).toBeLessThan(40);
    expect(await inspectImage(turned, 'a.jpg')).toMatchObject({ height: 6, width: 4 });
  });
});

describe('what is refused', () => {
  const noise = Uint8Array.from({ length: 40 * 40 * 3 }, (_, i) => (i * i * 31) % 251);
  const noisy = () => sharp(noise, { raw: { height: 40, width: 40, channels: 3 } });

  it.each(['jpeg', 'png', 'webp', 'gif'] as const)('a truncated %s, by name', async (format) => {
    const bytes = await noisy().toFormat(format).toBuffer();
    expect(mediaTypeOf(bytes)).toBe(`image/${format}`);
    const failure = await failureOf(decodeImage(bytes.subarray(0, bytes.length / 2), { height: 8, width: 8 }, 'half.img'));
    expect(failure).toMatchObject({ code: 'malformed-file', field: 'half.img' });
    expect(failure.message).toMatch(/^half\.img cannot be decoded: /);
  });

  it.each([
    ['is an SVG image', Buffer.from('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
    ['is a PDF', Buffer.from('%PDF-1.7')],
    ['is a BMP image', Buffer.from('BM\0\0\0\0')],
    ['is a TIFF image', Buffer.from('II*\0\x08\0\0\0')],
    ['is a zip archive', Buffer.from('PK\x03\x04\0\0')],
    ['is no image', Buffer.from('hello, I am a text')],
    ['is empty', Buffer.alloc(0)],
  ])('what %s', async (what, bytes) => {
    expect((await failureOf(inspectImage(bytes, 'x.png'))).message).toBe(`x.png ${what}.`);
  });

  it('an animation, as GIF and as WebP', async () => {
    const gif = await sharp(noise, { raw: { height: 40, width: 40, channels: 3, pageHeight: 20 } })
      .gif()
      .toBuffer();
    const webp = await sharp(gif, { animated: true }).webp().toBuffer();
    for (const bytes of [gif, webp]) {
      expect((await failureOf(inspectImage(bytes, 'a.gif'))).message).toBe('a.gif is an animation of 2 frames.');
    }
  });

  it('too many pixels before they are decoded, and strips', async () => {
    const huge = await solid('#fff', 9000, 9000).png().toBuffer();
    expect(huge.length).toBeLessThan(2_000_000);
    expect((await failureOf(inspectImage(huge, 'huge.png'))).message).toContain(`more than ${limits.imagePixelsMax / 1e6} million pixels`);
    const strip = await solid('#fff', 1, limits.imageAspectMax + 1)
      .png()
      .toBuffer();
    expect((await failureOf(decodeImage(strip, { height: 8, width: 8 }, 'strip.png'))).message).toContain('51 × 1 pixels, a strip');
  });

  it('loaders that are not needed, for whoever uses sharp in this process', async () => {
    await expect(sharp(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')).png().toBuffer()).rejects.toThrow();
  });
});

describe('inspectImage', () => {
  it('gives one fingerprint for the same pixels in any lossless format, another for others', async () => {
    const facts = await Promise.all(
      [rampImage().png(), rampImage().webp({ lossless: true }), rampImage().negate().png()].map(async (image) =>
        inspectImage(await image.toBuffer(), 'a'),
      ),
    );
    expect(facts[0]).toEqual(facts[1]);
    expect(facts[2].fingerprint).not.toBe(facts[0].fingerprint);
    expect(facts[0]).toMatchObject({ height: 4, width: 6, grey: false });
  });

  it('sees grey by the pixels, not by the file', async () => {
    const facts = await inspectImage(await solid('#808080').png().toBuffer(), 'a');
    expect(facts.grey).toBe(true);
  });
});

describe('encodePng', () => {
  it('round-trips raw pixels, grey as one channel', async () => {
    const pixels = Uint8Array.from({ length: 12 }, (_, i) => i * 20);
    const grey = await encodePng({ height: 3, width: 4, channels: 1, pixels });
    expect((await sharp(grey).metadata()).channels).toBe(1);
    expect([...(await decodeImage(grey, { height: 3, width: 4 }))]).toEqual([...pixels].flatMap((value) => [value, value, value]));
  });
});
