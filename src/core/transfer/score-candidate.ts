import { Failure } from '../failure.ts';
import { predict } from '../stats/classification.ts';
import { type Decomposition, decompose } from './decomposition.ts';
import type { DiversityEvidence, ScoredCandidate, ScoreOptions, TransferEvidence } from './evidence.ts';
import { gbc } from './gbc.ts';
import { hScore, regularisedHScore } from './h-score.ts';
import { estimateOf, type Measured } from './influence.ts';
import { knnScore } from './knn.ts';
import type { LeaveOneOutScore } from './leave-one-out.ts';
import { linearProbe } from './linear-probe.ts';
import { measureLogMe } from './logme.ts';
import { nleep } from './nleep.ts';
import { parc } from './parc.ts';
import { saturationNotes, saturationWarnings } from './saturation.ts';
import { type CandidateScores, type Score, scoreIds, type ScoreId, scoreTable } from './scores.ts';
import { sfda } from './sfda.ts';
import { leep, nce } from './source-head.ts';
import { transRate } from './transrate.ts';

/** The 97.5 % quantile of the standard normal distribution. */
const Z = 1.959963984540054;

type Finding = Measured | LeaveOneOutScore | { readonly reason: string };

/**
 * Every score of METHOD.md §7 of one backbone on one target, from one decomposition of its features. A score that the
 * evidence does not hold, or that the images cannot settle, is null with the reason; one that has stopped telling backbones
 * apart carries a note. Intervals are 95 %: Wilson's for k-NN and linear probe, the infinitesimal jackknife over images
 * stratified by class for the rest, the sample's standard error for activation diversity.
 *
 * @throws Failure `non-finite-weights` naming image and dimension of a value that is not finite, `unusable-dataset` when the
 *   images are of one class
 */
export function scoreCandidate(evidence: TransferEvidence, { seed, linear }: ScoreOptions): ScoredCandidate {
  requireFinite(evidence);
  const { labels, classes } = presentClasses(evidence.labels);
  if (classes < 2) {
    throw new Failure('unusable-dataset', 'All images are of one class, so no score can tell backbones apart.', {
      hint: 'Give training and validation images of two classes at least.',
      field: 'dataset',
    });
  }
  const parts = decompose(evidence.features, labels, classes, linear);
  const found: Partial<Record<ScoreId, Finding>> = { ...fromFeatures(evidence, parts, seed), ...fromSourceHead(evidence, labels, classes) };
  const notes = saturationNotes(parts, found);
  const score = (id: ScoreId): Score => {
    const finding = found[id];
    if (finding === undefined) return known(evidence, id);
    if ('reason' in finding) return { value: null, reason: finding.reason };
    if (!Number.isFinite(finding.value)) return { value: null, reason: 'These images do not determine it.' };
    const note = notes[id];
    const estimate = 'accuracy' in finding ? finding.accuracy : estimateOf(finding, labels);
    return note === undefined ? estimate : { ...estimate, note };
  };
  const influences: Partial<Record<ScoreId, Float64Array>> = {};
  for (const id of scoreIds) {
    const finding = found[id];
    if (finding !== undefined && 'influence' in finding && Number.isFinite(finding.value)) influences[id] = finding.influence;
  }
  return {
    scores: Object.fromEntries(scoreIds.map((id) => [id, score(id)])) as CandidateScores,
    influences,
    warnings: saturationWarnings(parts, found),
  };
}

function requireFinite({ features: { dimensions, values } }: TransferEvidence): void {
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return;
  throw new Failure(
    'non-finite-weights',
    `Its features hold ${values[at]} for image ${Math.floor(at / dimensions)}, dimension ${at % dimensions}.`,
    { hint: 'Take a checkpoint from before the training diverged, or leave this candidate out.' },
  );
}

/** Labels numbered anew over the classes that have images. */
function presentClasses(labels: ArrayLike<number>): { labels: Int32Array; classes: number } {
  const present = [...new Set(Array.from(labels))].sort((a, b) => a - b);
  const numbers = new Map(present.map((label, number) => [label, number]));
  return { labels: Int32Array.from(labels, (label) => numbers.get(label) ?? 0), classes: present.length };
}

/** Scores by id of what their columns in the score table call `features`. */
export type FeatureScoreId = { [Id in ScoreId]: (typeof scoreTable)[Id]['of'] extends 'features' ? Id : never }[ScoreId];

function fromFeatures({ features }: TransferEvidence, parts: Decomposition, seed: number): Record<FeatureScoreId, Finding> {
  const { labels, classes, linear } = parts;
  const constant = { reason: 'The features are the same for every image.' };
  const measure = (score: () => Finding): Finding => (parts.sigma.length === 0 ? constant : score());
  return {
    logme: measure(() => measureLogMe(parts)),
    nleep: measure(() => nleep(parts, { seed })),
    'h-score': measure(() => hScore(parts)),
    'h-score-regularised': measure(() => regularisedHScore(parts)),
    transrate: measure(() => transRate(parts)),
    'gbc-spherical': measure(() => gbc(features, labels, classes, 'spherical')),
    'gbc-diagonal': measure(() => gbc(features, labels, classes, 'diagonal')),
    parc: measure(() => parc(parts)),
    sfda: measure(() => sfda(parts)),
    knn: measure(() => knnScore(features, labels, classes, linear)),
    'linear-probe': measure(() => linearProbe(parts)),
  };
}

function fromSourceHead({ source }: TransferEvidence, labels: Int32Array, classes: number): Record<'leep' | 'nce', Finding> {
  if (source === undefined) {
    const reason = "The backbone's own classes are not known.";
    return { leep: { reason }, nce: { reason } };
  }
  const probabilities = { sourceClasses: source.classes, values: predict(source.logits, source.classes).probabilities };
  return { leep: leep(probabilities, labels, classes), nce: nce(probabilities, labels, classes) };
}

/** Scores that the evidence holds as they are. */
function known(evidence: TransferEvidence, id: ScoreId): Score {
  const { weights, activations, alignment, flops, params, sourceAccuracy } = evidence;
  const exact = (value: number): Score => ({ value, low: value, high: value });
  const diversity = (of: DiversityEvidence | undefined, figure: 'diversity' | 'diversityExcess', what: string): Score => {
    if (of === undefined) return { value: null, reason: `There is no Dice profile of its ${what}.` };
    const half = Z * (of.standardError ?? 0);
    return { value: of[figure], low: of[figure] - half, high: of[figure] + half };
  };
  switch (id) {
    case 'dice-weights':
      return diversity(weights, 'diversity', 'weights');
    case 'dice-weights-excess':
      return diversity(weights, 'diversityExcess', 'weights');
    case 'dice-activations':
      return diversity(activations, 'diversity', 'activations');
    case 'dice-activations-excess':
      return diversity(activations, 'diversityExcess', 'activations');
    case 'alignment':
      if (alignment == null) return { value: null, reason: 'Nothing is known of its activations on its source.' };
      return {
        ...exact(alignment.value),
        note: `The source side comes from ${alignment.from === 'source quantiles' ? 'quantiles kept at training' : 'the moving statistics of batch normalisation'}.`,
      } as Score;
    case 'parameters':
      return exact(params);
    case 'flops':
      return exact(flops);
    case 'source-accuracy':
      return sourceAccuracy ?? { value: null, reason: 'Its accuracy on its source is not known.' };
    default:
      return { value: null, reason: `There is no ${scoreTable[id].title}.` };
  }
}
