import type { JobHandler } from '../types.ts';
import { requireClassesOf } from './classes.ts';
import { inputSizeOf, packSplits } from './images.ts';
import { measure } from './measure.ts';
import { loadNetwork, stampOf } from './models.ts';

/** Accuracy, F1 and the confusion matrix of a model on one split of a dataset with the same classes. */
export const evaluate: JobHandler<'evaluate'> = async (context) => {
  const { request, model, dataset } = context.input;
  const network = await loadNetwork(context.blobs, model);
  requireClassesOf(network, dataset);
  const { [request.split]: images } = await packSplits(context, dataset, inputSizeOf(network), [request.split]);
  const engine = await context.engine();
  const { metrics, confusion } = await measure({ ...context, engine, dataset }, network, images, request.split);
  return { split: request.split, metrics, confusion, engine: stampOf(engine) };
};
