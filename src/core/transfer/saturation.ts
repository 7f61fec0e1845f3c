import type { Decomposition } from './decomposition.ts';
import type { Measured } from './influence.ts';
import type { ScoreId } from './scores.ts';

type Findings = Readonly<Partial<Record<ScoreId, Measured | { readonly reason: string }>>>;

/** Overlap of all classes together below which they count as apart. */
const APART = 1e-3;

/** A sentence for each score that has stopped telling backbones apart, or is not quite what was published. */
export function saturationNotes(parts: Decomposition, found: Findings): Partial<Record<ScoreId, string>> {
  const { count, dimensions, classes, epsilon } = parts;
  const notes: Partial<Record<ScoreId, string>> = {};
  const value = (id: ScoreId): number | undefined => {
    const finding = found[id];
    return finding !== undefined && 'value' in finding ? finding.value : undefined;
  };
  if (epsilon > Number.EPSILON) {
    const single = `In float32: directions below ${(Math.max(count, dimensions) * epsilon).toExponential(0)} of the largest variance are left out.`;
    for (const id of ['h-score', 'transrate', 'sfda'] as const) notes[id] = single;
  }
  if (spansEverything(parts)) {
    notes['h-score'] = `Saturated: with ${count} images in ${dimensions} dimensions it is ${classes - 1} for any backbone.`;
    notes.sfda = `Saturated: ${count} images in ${dimensions} dimensions can be told apart whatever they show.`;
    notes.logme = 'Padded: there are more dimensions than images.';
  }
  if (value('nce') === 0) notes.nce = 'Saturated: every source class was seen with one target class only.';
  const overlap = value('gbc-diagonal');
  if (overlap !== undefined && overlap > -APART) notes['gbc-diagonal'] = 'Saturated: the classes do not overlap.';
  const nleep = found.nleep;
  if (nleep !== undefined && 'components' in nleep && 'published' in nleep && nleep.components !== nleep.published) {
    notes.nleep = `With ${String(nleep.components)} components instead of the published ${String(nleep.published)}: there are only ${count} images.`;
  }
  return notes;
}

/** What to hold against a candidate's scores as a whole, a sentence a doubt. */
export function saturationWarnings(parts: Decomposition, found: Findings): string[] {
  const { count, dimensions, classes, members } = parts;
  const warnings: string[] = [];
  const alone = members.filter((images) => images.length === 1).length;
  if (alone > 0) {
    warnings.push(
      `${alone === 1 ? 'A class has' : `${alone} classes have`} one image only, which leave-one-out prediction cannot get right.`,
    );
  }
  if (parts.sigma.length > 0 && spansEverything(parts)) {
    warnings.push(
      `There are fewer images (${count}) than features (${dimensions}): H-score, SFDA and the like saturate; LogME, the regularised H-score and the leave-one-out predictions still tell.`,
    );
  }
  const probe = found['linear-probe'];
  if (probe !== undefined && 'value' in probe && probe.value === 1) {
    warnings.push(`A linear classifier places every image of the ${classes} classes rightly: these images are too easy to rank it by.`);
  }
  return warnings;
}

/** As many directions as images allow: a hyperplane parts any labels. */
function spansEverything({ count, sigma }: Decomposition): boolean {
  return sigma.length === count - 1;
}
