import type { LayerProfile, ModelProfile } from './profile.ts';

/** What of a layer's profile is set side by side; null where the layer has no diversity. */
export interface LayerFigures {
  readonly layer: string;
  readonly kernels: number;
  readonly diversity: number | null;
  readonly diversityExcess: number | null;
  readonly redundantShare: number | null;
  readonly effectiveKernels: number | null;
}

export interface LayerComparison {
  readonly before: LayerFigures | null;
  readonly after: LayerFigures | null;
  /** Diversity after minus before; null unless both have one. */
  readonly difference: number | null;
}

export interface ProfileComparison {
  /** How layers were matched: by name, or by their place where no name is common. */
  readonly pairedBy: 'name' | 'place';
  readonly layers: readonly LayerComparison[];
}

/**
 * Sets two profiles side by side, layer by layer: a model before and after pruning, or two backbones. In the order of
 * `after`, followed by layers that only `before` has.
 */
export function compareProfiles(before: Pick<ModelProfile, 'layers'>, after: Pick<ModelProfile, 'layers'>): ProfileComparison {
  const names = new Set(before.layers.map(({ layer }) => layer));
  const pairedBy = after.layers.some(({ layer }) => names.has(layer)) ? 'name' : 'place';
  const keyOf = ({ layer }: LayerProfile, place: number): string => (pairedBy === 'name' ? layer : String(place));
  const old = new Map(before.layers.map((layer, place) => [keyOf(layer, place), layer]));
  const layers = after.layers.map((layer, place) => {
    const key = keyOf(layer, place);
    const partner = old.get(key);
    old.delete(key);
    return compared(partner, layer);
  });
  return { pairedBy, layers: [...layers, ...Array.from(old.values(), (layer) => compared(layer, undefined))] };
}

function compared(before: LayerProfile | undefined, after: LayerProfile | undefined): LayerComparison {
  const difference = before?.dice && after?.dice ? after.dice.diversity - before.dice.diversity : null;
  return { before: before ? figures(before) : null, after: after ? figures(after) : null, difference };
}

function figures({ layer, kernels, dice }: LayerProfile): LayerFigures {
  return {
    layer,
    kernels,
    diversity: dice?.diversity ?? null,
    diversityExcess: dice?.diversityExcess ?? null,
    redundantShare: dice?.redundantShare ?? null,
    effectiveKernels: dice?.effectiveKernels ?? null,
  };
}
