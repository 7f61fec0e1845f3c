import type { Dataset } from '../schema/datasets.ts';
import type { Model } from '../schema/models.ts';
import type { Pruning, PruneReport } from '../schema/prunings.ts';
import { percent, percentWithInterval, si } from './format.ts';
import { code } from './markdown.ts';

/** What a card tells of the model itself. */
export type CardModel = Pick<Model, 'name' | 'classes' | 'classNames' | 'inputShape' | 'preprocessing'>;

/** A model card with the metadata that Hugging Face reads (model-index of the card's specification). */
export function modelCard({ plan }: Pruning, report: PruneReport, model: CardModel, dataset: Pick<Dataset, 'name'>): string {
  const final = report.stages[report.stages.length - 1];
  const measured = final.test ?? final.validation;
  const split = final.test ? 'test' : 'validation';
  const { scale, mean, std } = model.preprocessing;
  return `---
library_name: tfjs
pipeline_tag: image-classification
tags:
  - image-classification
  - pruned
  - espalier
metrics:
  - accuracy
  - f1
model-index:
  - name: ${quoted(model.name)}
    results:
      - task:
          type: image-classification
          name: Image Classification
        dataset:
          name: ${quoted(dataset.name)}
          type: ${quoted(dataset.name)}
          split: ${split}
          revision: ${quoted(report.hashes.dataset)}
        metrics:
          - type: accuracy
            name: Accuracy
            value: ${measured.accuracy.value.toFixed(4)}
          - type: f1
            name: Macro F1
            value: ${measured.macroF1.value.toFixed(4)}
            args:
              average: macro
---

# ${model.name}

A convolutional network for ${model.classes} classes${model.classNames ? ` (${model.classNames.join(', ')})` : ''}, pruned by ${code(plan.criterion)} and fine-tuned on ${dataset.name}: ${si(final.cost.flops)} FLOPs, ${si(final.cost.params)} parameters.

Accuracy on ${measured.images} ${split} images: ${percentWithInterval(measured.accuracy)} %; the unpruned base has ${percent((report.stages[0].test ?? report.stages[0].validation).accuracy.value)} %. Brackets are 95 % intervals.

Input: ${model.inputShape.join('×')} RGB, (pixel · ${scale} − [${mean.join(', ')}]) / [${std.join(', ')}]. Output: logits, or probabilities where the last layer is a Softmax.

How it came about is in [report.md](report.md); [plan.json](plan.json) lists the channels that left, and replays on the same base.
`;
}

/** JSON's strings are YAML's too. */
const quoted = (text: string): string => JSON.stringify(text);
