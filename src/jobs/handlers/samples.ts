import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { SampledActivations } from '../../core/dice/index.ts';
import { Failure } from '../../core/failure.ts';
import type { ActivationLayer, ActivationSink } from '../../engine/types.ts';
import { limits } from '../../limits.ts';

/** About so much of the file is read at once. */
const CHUNK_BYTES = 1_048_576;
const FLOAT = Float32Array.BYTES_PER_ELEMENT;

export interface SampleFile {
  readonly sink: ActivationSink;
  /**
   * The layers, whose values are read when they are asked for into one buffer of the largest layer's size: they are lent until
   * the next layer's are.
   */
  readonly layers: ReadonlyMap<string, SampledActivations>;
  /** Removes the file. */
  close(): void;
}

interface Region extends ActivationLayer {
  /** Byte where the layer's samples begin, one after the other with all its channels. */
  readonly at: number;
}

const bytesOf = ({ channels, samples }: ActivationLayer): number => channels * samples * FLOAT;

/**
 * Activations of a probe set that are written to disk as the one forward pass reads them, so that memory is bounded by the
 * largest layer and not by the network.
 *
 * @param workDir where the file is for as long as it is open
 * @throws Failure `limit-exceeded` from `sink.begin`
 */
export function openSampleFile(workDir: string): SampleFile {
  const path = join(workDir, 'activations.f32');
  const file = openSync(path, 'w+', 0o600);
  const regions = new Map<string, Region>();
  const layers = new Map<string, SampledActivations>();
  let buffer = new Float32Array(0);
  return {
    layers,
    sink: {
      begin: (announced) => {
        requireLimits(announced);
        let at = 0;
        for (const layer of announced) {
          const region = { ...layer, at };
          const { channels, samples, nonNegative } = layer;
          regions.set(layer.layer, region);
          layers.set(layer.layer, {
            channels,
            samples,
            nonNegative,
            get values() {
              return readLayer(file, region, buffer);
            },
          });
          at += bytesOf(layer);
        }
        buffer = new Float32Array(announced.reduce((most, layer) => Math.max(most, bytesOf(layer) / FLOAT), 0));
      },
      take: ({ layer }, first, values) => {
        const region = regions.get(layer);
        if (region === undefined) throw new Error(`Layer "${layer}" was not announced.`);
        const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
        const at = region.at + first * region.channels * FLOAT;
        for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, bytes.length - done, at + done);
      },
    },
    close: () => {
      closeSync(file);
      rmSync(path, { force: true });
    },
  };
}

function requireLimits(layers: readonly ActivationLayer[]): void {
  const hint = 'Ask for fewer images or fewer positionsPerImage.';
  const refuse = (what: string, bytes: number, most: number): never => {
    throw new Failure('limit-exceeded', `${what} would take ${(bytes / 1e6).toFixed(0)} MB, more than ${(most / 1e6).toFixed(0)}.`, {
      hint,
      field: 'positionsPerImage',
    });
  };
  for (const layer of layers) {
    if (bytesOf(layer) > limits.activationLayerBytesMax) {
      refuse(`The activations of layer "${layer.layer}"`, bytesOf(layer), limits.activationLayerBytesMax);
    }
  }
  const total = layers.reduce((sum, layer) => sum + bytesOf(layer), 0);
  if (total > limits.activationFileBytesMax) refuse('The activations of all layers', total, limits.activationFileBytesMax);
}

/** The layer's samples, channel-major, at the front of the buffer. */
function readLayer(file: number, { channels, samples, at }: Region, buffer: Float32Array): Float32Array {
  const values = buffer.subarray(0, channels * samples);
  const step = Math.max(1, Math.floor(CHUNK_BYTES / (channels * FLOAT)));
  const chunk = new Float32Array(Math.min(step, samples) * channels);
  for (let first = 0; first < samples; first += step) {
    const count = Math.min(step, samples - first);
    const bytes = new Uint8Array(chunk.buffer, 0, count * channels * FLOAT);
    const from = at + first * channels * FLOAT;
    for (let done = 0; done < bytes.length;) {
      const read = readSync(file, bytes, done, bytes.length - done, from + done);
      if (read === 0) throw new Error('The file of activations ends too early.');
      done += read;
    }
    for (let c = 0; c < channels; c++) {
      for (let s = 0, to = c * samples + first; s < count; s++, to++) values[to] = chunk[s * channels + c];
    }
  }
  return values;
}
