import { createHash } from 'node:crypto';
import sharp, { type Sharp } from 'sharp';
import { Failure } from '../core/failure.ts';
import { limits } from '../limits.ts';

// Many small images at once: parallel over images is faster than libvips' threads within one, and its cache never hits.
sharp.concurrency(1);
sharp.cache(false);
// Loaders with large attack surfaces (SVG, PDF, HEIF, raw cameras, …) are off for the whole process.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: ['VipsForeignLoadJpeg', 'VipsForeignLoadPng', 'VipsForeignLoadWebp', 'VipsForeignLoadNsgif'],
});

/** A size in pixels. */
export interface PixelSize {
  readonly height: number;
  readonly width: number;
}

/** Pixels without a file format: height × width × channels, row-major. */
export interface RawImage extends PixelSize {
  readonly channels: 1 | 3;
  readonly pixels: Uint8Array;
}

/** What one full decoding says of an image. */
export interface ImageFacts extends PixelSize {
  /** Every pixel has R = G = B, however the file stores it. */
  readonly grey: boolean;
  /** Equal for equal size and pixels, whatever the file format. */
  readonly fingerprint: string;
}

/** File types by their first bytes; those that are read, and those that are told apart only to be refused by name. */
const signatures: readonly (readonly [type: string, offset: number, magic: string])[] = [
  ['jpeg', 0, '\xff\xd8\xff'],
  ['png', 0, '\x89PNG\r\n\x1a\n'],
  ['webp', 8, 'WEBP'],
  ['gif', 0, 'GIF8'],
  ['a BMP image', 0, 'BM'],
  ['a TIFF image', 0, 'II*\0'],
  ['a TIFF image', 0, 'MM\0*'],
  ['a HEIF or AVIF image', 4, 'ftyp'],
  ['a JPEG XL image', 0, '\xff\x0a'],
  ['a JPEG 2000 image', 4, 'jP  '],
  ['a PDF', 0, '%PDF'],
  ['a zip archive', 0, 'PK\x03\x04'],
  ['a gzip archive', 0, '\x1f\x8b'],
  ['a tar archive', 257, 'ustar'],
  ['a NumPy array', 0, '\x93NUMPY'],
  ['a Parquet file', 0, 'PAR1'],
  ['an HDF5 file', 0, '\x89HDF'],
];
const mediaTypes = new Map([
  ['jpeg', 'image/jpeg'],
  ['png', 'image/png'],
  ['webp', 'image/webp'],
  ['gif', 'image/gif'],
]);

/** Media type of an image that can be read (JPEG, PNG, WebP, GIF), by magic bytes. */
export function mediaTypeOf(bytes: Uint8Array): string | undefined {
  return mediaTypes.get(typeOf(bytes) ?? '');
}

function typeOf(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, 512)).toString('latin1');
  if (/^\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE svg[^>]*>\s*)?<svg/s.test(head)) return 'an SVG image';
  return signatures.find(([, offset, magic]) => head.startsWith(magic, offset))?.[0];
}

/**
 * Decodes a JPEG, PNG, WebP or still GIF into height × width × 3 RGB, row-major, by the service's one policy: EXIF orientation applied,
 * transparency laid on white, every depth and colour space converted to 8-bit sRGB (grey repeated), the shorter side scaled
 * bicubically (Catmull-Rom, averaging when it shrinks) and the centre cut out. Smaller images are scaled up.
 *
 * @param fileName what to call the image in messages
 * @throws Failure `malformed-file` for what is no such image, damaged, animated, or outside the pixel limits
 */
export async function decodeImage(bytes: Uint8Array, size: PixelSize, fileName = 'The image'): Promise<Uint8Array> {
  const image = await openImage(bytes, fileName);
  return (await blaming(fileName, () => fit(image, size).raw({ depth: 'uchar' }).toBuffer())).subarray();
}

/** {@link decodeImage} for pixels that come without a file format. */
export async function resizeRaw(image: RawImage, size: PixelSize): Promise<Uint8Array> {
  const { pixels, height, width, channels } = image;
  return fit(sharp(pixels, { raw: { height, width, channels } }), size)
    .raw()
    .toBuffer();
}

/** The pixels as a PNG file. */
export async function encodePng({ pixels, height, width, channels }: RawImage): Promise<Uint8Array> {
  const image = sharp(pixels, { raw: { height, width, channels } });
  return (channels === 1 ? image.toColourspace('b-w') : image).png().toBuffer();
}

/**
 * A small PNG of a whole image, for showing: sides of at most `sideMax` pixels, proportions kept, never scaled up.
 *
 * @throws Failure as {@link decodeImage}
 */
export async function thumbnail(bytes: Uint8Array, sideMax: number, fileName: string): Promise<Uint8Array> {
  const image = await openImage(bytes, fileName);
  const size = { height: sideMax, width: sideMax, fit: 'inside', withoutEnlargement: true } as const;
  return blaming(fileName, () => upright(image).resize(size).png().toBuffer());
}

/**
 * Decodes the whole image at its own size and says what it is. Takes the same files and throws the same failures as {@link decodeImage}.
 */
export async function inspectImage(bytes: Uint8Array, fileName: string): Promise<ImageFacts> {
  const image = await openImage(bytes, fileName);
  const { data, info } = await blaming(fileName, () => upright(image).raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true }));
  return { height: info.height, width: info.width, grey: isGrey(data), fingerprint: fingerprintOf({ ...info, channels: 3, pixels: data }) };
}

/** 128 bits over size and pixels, as 22 characters. */
export function fingerprintOf({ height, width, channels, pixels }: RawImage): string {
  return createHash('sha256').update(`${height} ${width} ${channels} `).update(pixels).digest('base64url').slice(0, 22);
}

async function openImage(bytes: Uint8Array, fileName: string): Promise<Sharp> {
  const type = typeOf(bytes);
  if (!mediaTypes.has(type ?? '')) {
    throw unreadable(fileName, bytes.length === 0 ? 'is empty' : `is ${type ?? 'no image'}`, 'Give a JPEG, PNG, WebP or GIF image.');
  }
  // `error` still lets the harmless oddities of cameras' JPEGs pass, but no truncated file.
  const image = sharp(bytes, { failOn: 'error', limitInputPixels: limits.imagePixelsMax });
  const { width, height, pages = 1 } = await blaming(fileName, () => image.metadata());
  if (pages > 1) throw unreadable(fileName, `is an animation of ${pages} frames`, 'Give one still image.');
  const aspect = Math.max(width, height) / Math.min(width, height);
  if (aspect > limits.imageAspectMax) {
    throw unreadable(
      fileName,
      `measures ${width} × ${height} pixels, a strip`,
      `Give an image whose longer side is at most ${limits.imageAspectMax} times the shorter.`,
    );
  }
  return image;
}

function upright(image: Sharp): Sharp {
  return image.autoOrient().flatten({ background: '#fff' }).toColourspace('srgb');
}

function fit(image: Sharp, { height, width }: PixelSize): Sharp {
  // Shrinking while a JPEG is decoded would be faster and give other pixels for JPEG than for PNG.
  return upright(image).resize({ height, width, fit: 'cover', position: 'centre', kernel: 'cubic', fastShrinkOnLoad: false });
}

function isGrey(rgb: Uint8Array): boolean {
  for (let i = 0; i < rgb.length; i += 3) if (rgb[i] !== rgb[i + 1] || rgb[i] !== rgb[i + 2]) return false;
  return true;
}

function unreadable(fileName: string, what: string, hint: string, cause?: unknown): Failure {
  return new Failure('malformed-file', `${fileName} ${what}.`, { hint, field: fileName, cause });
}

async function blaming<T>(fileName: string, decode: () => Promise<T>): Promise<T> {
  try {
    return await decode();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const what = reason.includes('pixel limit')
      ? `holds more than ${limits.imagePixelsMax / 1e6} million pixels`
      : `cannot be decoded: ${reason.split('\n')[0].trim()}`;
    throw unreadable(fileName, what, 'Give an undamaged JPEG, PNG, WebP or GIF image.', error);
  }
}
