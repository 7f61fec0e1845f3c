import { firstImages } from '../../core/images.ts';
import { Failure } from '../../core/failure.ts';
import type { ProfileRequest } from '../../schema/profiles.ts';
import type { JobHandler } from '../types.ts';
import { inputSizeOf, packSplits } from './images.ts';
import { profileActivations, writeTriangles } from './dice.ts';
import { loadNetwork, stampOf, storeWeightProfile } from './models.ts';
import { openSampleFile } from './samples.ts';

/** Dice profile of a model's weights, or of its activations on the train split of a dataset. */
export const profile: JobHandler<'profile'> = async (context) => {
  const { request, model, dataset } = context.input;
  const network = await loadNetwork(context.blobs, model);
  const { blobs, progress: onProgress, signal } = context;
  if (request.source === 'weights') return storeWeightProfile(blobs, network, { ...request, onProgress });
  if (dataset === null) {
    throw new Failure('invalid-request', 'An activation profile needs the dataset whose images are shown to the model.', {
      hint: 'Add "dataset": "dst_…" to the request.',
      field: 'dataset',
    });
  }
  const { train } = await packSplits(context, dataset, inputSizeOf(network), ['train']);
  const probe = firstImages(train, request.images);
  const engine = await context.engine();
  const { positionsPerImage, precision, seed } = request;
  const file = openSampleFile(context.workDir);
  try {
    await engine.streamActivations(network, probe, { positionsPerImage, seed, onProgress, signal }, file.sink);
    const { document, triangles } = profileActivations(file.layers, { seed, precision, onProgress });
    return {
      profile: { ...document, images: probe.count, positionsPerImage, notes: probeNotes(probe.count, request), engine: stampOf(engine) },
      matrices: (await writeTriangles(blobs, triangles)).hash,
    };
  } finally {
    file.close();
  }
};

function probeNotes(used: number, { images }: ProfileRequest): string[] {
  return used < images ? [`The train split has ${used} images; all were used instead of ${images}.`] : [];
}
