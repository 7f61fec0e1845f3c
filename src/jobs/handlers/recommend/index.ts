import { recommendationOf } from '../../recommendation/document.ts';
import { filtered } from '../../recommendation/filter.ts';
import { cutOf, isObserved, type Known, rankKnown } from '../../recommendation/rank.ts';
import type { JobHandler, JobInput, VerifiedOutcome } from '../../types.ts';
import { importCandidates } from './candidates.ts';
import { estimateOf } from './estimate.ts';
import { curveOf, entrantOf, openStudy } from './study.ts';
import { survey } from './survey.ts';
import { type VerifiedEntrants, verifyCandidates } from './verify.ts';

/**
 * Which base to start from: every candidate is looked at once, cut to the limits where it has to be, ranked, and where it is
 * asked for fine-tuned. What was found before, for whatever question, is taken from the cache.
 */
export const recommend: JobHandler<'recommend'> = async (context) => {
  const { request } = context.input;
  const { candidates, imported } = await importCandidates(context);
  const { kept, leftOut } = filtered(candidates, request.filters);
  const study = await openStudy(context);
  const estimate = await estimateOf(study, kept);

  const seen = await survey(study, kept);
  const first = rankKnown(seen, context.input);
  const inRunning = first.candidates.filter(({ excluded }) => excluded === null);
  const run: VerifiedEntrants | null = request.verify
    ? await verifyCandidates(
        inRunning.slice(0, request.verify.topK).map(({ id }) => entrantOf(study, named(seen, id))),
        { ...context, engine: await context.engine() },
      )
    : null;
  const known = run ? seen.map((one) => ({ ...one, verified: run.verified.get(one.model.id) })) : seen;
  const ranking = run ? rankKnown(known, context.input) : first;
  const chosen = named(known, ranking.chosen);
  const curve = cutOf(chosen) === null ? await curveOf(study, chosen.model) : null;
  return {
    recommendation: recommendationOf(context.input, { known, ranking, leftOut, curve, verification: run?.verification ?? null, estimate }),
    imported: [...imported],
    verified: outcomesOf(known, context.input),
  };
};

function named(known: readonly Known[], id: string): Known {
  const one = known.find(({ model }) => model.id === id);
  if (one === undefined) throw new Error(`No candidate is called ${id}.`);
  return one;
}

/** Those whose training went to its end tell what their scores were worth. */
function outcomesOf(known: readonly Known[], { dataset }: JobInput<'recommend'>): VerifiedOutcome[] {
  return known.flatMap((one) => {
    const { model, whole, verified } = one;
    if (verified === undefined || verified.droppedAfter !== null || !isObserved(whole)) return [];
    const cut = cutOf(one);
    const { scored, labels } = cut?.observed ?? whole;
    const scores = Object.fromEntries(Object.entries(scored.scores).map(([id, { value }]) => [id, value]));
    const target = { id: dataset.blob, classes: dataset.report.classes.length, images: labels.length };
    return [
      {
        dataset: dataset.blob,
        model: model.contentHash,
        variant: cut === null ? '' : JSON.stringify(cut.target),
        epochs: verified.epochs,
        outcome: {
          target,
          backbone: model.name,
          scores,
          accuracy: verified.accuracy.value,
          seeds: verified.runs.length,
          seedSpread: verified.spread,
        },
      },
    ];
  });
}
