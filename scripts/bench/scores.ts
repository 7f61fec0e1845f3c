import { zooDir, zooNames } from '../../src/cli/zoo.ts';
import type { ImageSet } from '../../src/core/images.ts';
import { costOf } from '../../src/core/network/index.ts';
import { createRandom } from '../../src/core/random.ts';
import { scoreCandidate } from '../../src/core/transfer/index.ts';
import { openEngine } from '../../src/engine/index.ts';
import { readZoo } from '../../src/formats/zoo.ts';
import { inputSizeOf } from '../../src/jobs/handlers/images.ts';
import type { BenchOptions, Figure } from './types.ts';

const IMAGES = 2000;
const CLASSES = 10;
const CANDIDATES = 8;
/** Of a pattern, along a side. */
const CELLS = 4;
/** As the service looks at a candidate. */
const OBSERVED = { probeImages: 256, positionsPerImage: 8, seed: 0 };

/** Eight starter backbones on 2,000 images: their forward passes, and every score from what these gave. */
export async function* scores(options: BenchOptions): AsyncGenerator<Figure> {
  const engine = await openEngine(options);
  const names = zooNames();
  let forward = 0;
  let scoring = 0;
  for (let at = -1; at < CANDIDATES; at++) {
    const { network, card } = await readZoo(zooDir, names[Math.max(0, at) % names.length]);
    const images = patterns(inputSizeOf(network).height);
    const start = performance.now();
    const { features, logits } = await engine.observe(network, images, OBSERVED);
    const middle = performance.now();
    const source = { classes: card.classes.length, logits };
    const { flops, params } = costOf(network);
    scoreCandidate({ features, labels: images.labels, classes: CLASSES, source, flops, params }, { seed: 0, linear: engine.linear });
    // The first goes twice: compiling is not what is timed.
    if (at < 0) continue;
    forward += (middle - start) / 1000;
    scoring += (performance.now() - middle) / 1000;
  }
  yield { name: `${CANDIDATES} candidates, ${IMAGES} images, forward`, value: forward, unit: 's' };
  yield { name: `${CANDIDATES} candidates, ${IMAGES} images, all scores`, value: scoring, unit: 's' };
}

/** A coarse pattern for each class, and noise: pixels alone would leave features without anything to score. */
function patterns(side: number): ImageSet {
  const cell = Math.ceil(side / CELLS);
  const random = createRandom(4);
  const coarse = Array.from({ length: CLASSES * 3 * CELLS ** 2 }, () => random.integer(160));
  const labels = Int32Array.from({ length: IMAGES }, (_, i) => i % CLASSES);
  const pixels = new Uint8Array(IMAGES * side * side * 3);
  for (let at = 0; at < pixels.length; at++) {
    const [position, colour] = [Math.floor(at / 3) % (side * side), at % 3];
    const [row, column] = [Math.floor(position / side / cell), Math.floor((position % side) / cell)];
    const label = labels[Math.floor(at / (side * side * 3))];
    pixels[at] = coarse[((label * CELLS + row) * CELLS + column) * 3 + colour] + random.integer(96);
  }
  return { count: IMAGES, height: side, width: side, pixels, labels };
}
