import { expect, it } from 'vitest';
import { createRandom } from '../core/random.ts';
import type { Random } from '../core/random.ts';
import { convolve, convolveInputGradient, convolveKernelGradient, planConvolution } from './convolution.ts';
import type { Convolution } from './convolution.ts';
import { difference, kernelsForTests, normals } from './testing.ts';

type Term = (x: number, kernel: number, y: number) => void;

/** Visits every product of a convolution: the places of its two factors and of the sum it belongs to. */
function eachTerm(
  { images, height, width, inputs, outputs, groups, kernel, strides, dilations, before, positions }: Convolution,
  visit: Term,
) {
  const [inputsOfGroup, outputsOfGroup] = [inputs / groups, outputs / groups];
  for (let n = 0; n < images; n++) {
    for (let row = 0; row < positions[0]; row++) {
      for (let column = 0; column < positions[1]; column++) {
        for (let ky = 0; ky < kernel[0]; ky++) {
          for (let kx = 0; kx < kernel[1]; kx++) {
            const y = row * strides[0] + ky * dilations[0] - before[0];
            const x = column * strides[1] + kx * dilations[1] - before[1];
            if (y < 0 || x < 0 || y >= height || x >= width) continue;
            for (let i = 0; i < inputsOfGroup; i++) {
              for (let o = 0; o < outputs; o++) {
                const input = Math.floor(o / outputsOfGroup) * inputsOfGroup + i;
                visit(
                  ((n * height + y) * width + x) * inputs + input,
                  ((ky * kernel[1] + kx) * inputsOfGroup + i) * outputs + o,
                  ((n * positions[0] + row) * positions[1] + column) * outputs + o,
                );
              }
            }
          }
        }
      }
    }
  }
}

const sizesOf = ({ images, height, width, inputs, outputs, groups, kernel, positions }: Convolution): [number, number, number] => [
  images * height * width * inputs,
  (kernel[0] * kernel[1] * inputs * outputs) / groups,
  images * positions[0] * positions[1] * outputs,
];

function check(convolution: Convolution, random: Random): void {
  const [x, kernel, dy] = sizesOf(convolution).map((size) => normals(random, size));
  const [y, dx, dKernel] = [dy, x, kernel].map(({ length }) => new Float64Array(length));
  eachTerm(convolution, (atX, atKernel, atY) => {
    y[atY] += x[atX] * kernel[atKernel];
    dx[atX] += dy[atY] * kernel[atKernel];
    dKernel[atKernel] += dy[atY] * x[atX];
  });

  const { kernels, place, view, guarded } = kernelsForTests();
  const results = [y, dx, dKernel].map(({ length }) => ({ at: place(new Float32Array(length).fill(Number.NaN)), length }));
  const given = { x: place(x), kernel: place(kernel), y: place(dy) };
  const plan = planConvolution(convolution);
  convolve(kernels, plan, { ...given, y: results[0].at });
  convolveInputGradient(kernels, plan, { ...given, x: results[1].at });
  convolveKernelGradient(kernels, plan, { ...given, kernel: results[2].at });
  const [ownY, ownDx, ownDKernel] = results.map(({ at, length }) => view(at, length));
  const name = JSON.stringify(convolution);
  expect(difference(ownY, y), `y of ${name}`).toBeLessThan(1e-5);
  expect(difference(ownDx, dx), `dx of ${name}`).toBeLessThan(1e-5);
  expect(difference(ownDKernel, dKernel), `kernel's gradient of ${name}`).toBeLessThan(1e-5);
  expect(guarded(), `guards of ${name}`).toBe(true);
}

const positionsOf = (size: number, kernel: number, stride: number, dilation: number, padding: number): number =>
  Math.floor((size + padding - (kernel - 1) * dilation - 1) / stride) + 1;

it('agrees with the definition for kernels of 1 to 7, strides of 1 and 2, any channels', () => {
  const random = createRandom(7);
  for (const kernel of [1, 2, 3, 4, 5, 6, 7]) {
    for (const stride of [1, 2]) {
      for (const padding of [0, kernel - 1]) {
        const [height, width] = [7 + random.integer(4), 7 + random.integer(4)];
        check(
          {
            images: 2,
            height,
            width,
            inputs: 1 + random.integer(19),
            outputs: 1 + random.integer(19),
            groups: 1,
            kernel: [kernel, kernel],
            strides: [stride, stride],
            dilations: [1, 1],
            before: [Math.floor(padding / 2), Math.floor(padding / 2)],
            positions: [positionsOf(height, kernel, stride, 1, padding), positionsOf(width, kernel, stride, 1, padding)],
          },
          random,
        );
      }
    }
  }
});

it('agrees with the definition where products are saved by Winograd', () => {
  const random = createRandom(10);
  for (const [height, width] of [
    [8, 8],
    [7, 9],
    [3, 3],
    [2, 13],
    [20, 33],
  ]) {
    for (const padding of [0, 1, 2]) {
      const positions: [number, number] = [height + 2 * padding - 2, width + 2 * padding - 2];
      if (positions[0] < 1 || positions[1] < 1) continue;
      check(
        {
          images: 2,
          height,
          width,
          inputs: 4 + random.integer(17),
          outputs: 4 + random.integer(17),
          groups: 1,
          kernel: [3, 3],
          strides: [1, 1],
          dilations: [1, 1],
          before: [padding, padding],
          positions,
        },
        random,
      );
    }
  }
});

it('saves products where that pays', () => {
  const wide: Convolution = {
    images: 1,
    height: 8,
    width: 8,
    inputs: 4,
    outputs: 4,
    groups: 1,
    kernel: [3, 3],
    strides: [1, 1],
    dilations: [1, 1],
    before: [1, 1],
    positions: [8, 8],
  };
  const chosen = (differing: Partial<Convolution>): string => planConvolution({ ...wide, ...differing }).forward.kernel;
  expect(chosen({})).toBe('winograd');
  expect(planConvolution(wide).kernelGradient.kernel).toBe('winogradKernelGradient');
  expect(chosen({ inputs: 3 })).toBe('correlate');
  expect(chosen({ strides: [2, 2], positions: [4, 4] })).toBe('correlate');
  expect(chosen({ height: 2, width: 2, positions: [2, 2] })).toBe('correlate');
  expect(chosen({ groups: 4 })).toBe('depthwise');
});

it('agrees with the definition for depthwise kernels of 1 to 7', () => {
  const random = createRandom(9);
  for (const kernel of [1, 2, 3, 4, 5, 6, 7]) {
    for (const stride of [1, 2]) {
      const channels = 1 + random.integer(14);
      const [height, width] = [7 + random.integer(4), 7 + random.integer(4)];
      const positions = (size: number): number => positionsOf(size, kernel, stride, 1, kernel - 1);
      const before = Math.floor((kernel - 1) / 2);
      check(
        {
          images: 2,
          height,
          width,
          inputs: channels,
          outputs: channels,
          groups: channels,
          kernel: [kernel, kernel],
          strides: [stride, stride],
          dilations: [1, 1],
          before: [before, before],
          positions: [positions(height), positions(width)],
        },
        random,
      );
    }
  }
});

it('agrees with the definition for windows of every other kind', () => {
  const random = createRandom(8);
  for (let round = 0; round < 100; round++) {
    const pair = (make: () => number): [number, number] => [make(), make()];
    const groups = [1, 1, 2, 3, 8][random.integer(5)];
    const kernel = pair(() => 1 + random.integer(4));
    const strides = pair(() => 1 + random.integer(3));
    const dilations = pair(() => 1 + random.integer(3));
    const [height, width] = pair(() => 1 + random.integer(12));
    // Negative padding crops.
    const before = pair(() => random.integer(5) - 1);
    const after = pair(() => random.integer(5) - 1);
    const positions: [number, number] = [
      positionsOf(height, kernel[0], strides[0], dilations[0], before[0] + after[0]),
      positionsOf(width, kernel[1], strides[1], dilations[1], before[1] + after[1]),
    ];
    if (positions[0] < 1 || positions[1] < 1) continue;
    const channels = (): number => groups * (1 + random.integer(random.integer(2) === 0 ? 1 : 9));
    const images = 1 + random.integer(3);
    check(
      { images, height, width, inputs: channels(), outputs: channels(), groups, kernel, strides, dilations, before, positions },
      random,
    );
  }
});
