import { Failure } from '../../core/failure.ts';
import { softmax } from '../../core/stats/index.ts';
import { decodeImage } from '../../formats/images.ts';
import type { JobHandler } from '../types.ts';
import { classesOf } from './classes.ts';
import { inputSizeOf } from './images.ts';
import { loadNetwork, stampOf } from './models.ts';

/** The most probable classes of each image, through the model's own preprocessing. */
export const predict: JobHandler<'predict'> = async ({ input, blobs, engine, signal }) => {
  const network = await loadNetwork(blobs, input.model);
  const size = inputSizeOf(network);
  const imageBytes = size.height * size.width * 3;
  const pixels = new Uint8Array(input.images.length * imageBytes);
  for (const [i, { blob, file }] of input.images.entries()) {
    if (signal.aborted) throw new Failure('cancelled', 'The prediction was cancelled.');
    pixels.set(await decodeImage(await blobs.read(blob), size, file), i * imageBytes);
  }
  const opened = await engine();
  const classes = classesOf(network);
  const labels = new Int32Array(input.images.length);
  const logits = await opened.logits(network, { ...size, count: input.images.length, pixels, labels }, { signal });
  const names = network.metadata.classNames ?? Array.from({ length: classes }, (_, i) => String(i));
  return {
    items: input.images.map(({ file }, i) => {
      const probabilities = softmax(logits.subarray(i * classes, (i + 1) * classes));
      const ranked = Array.from(probabilities, (probability, c) => ({ name: names[c], probability }));
      return { file, classes: ranked.sort((a, b) => b.probability - a.probability).slice(0, input.top) };
    }),
    engine: stampOf(opened),
  };
};
