import { z } from 'zod';
import type { Preprocessing } from '../core/network/types.ts';
import { limits } from '../limits.ts';

/** What a repository's config.json tells of weights beside their tensors. */
export interface Told {
  readonly architecture?: string;
  readonly classNames?: readonly string[];
  readonly inputShape?: readonly [number, number, number];
  readonly preprocessing?: Preprocessing;
  readonly licence?: string;
  /** What it says of the images that a Preprocessing has no place for. */
  readonly assumptions: readonly string[];
}

const side = z.int().min(1).max(limits.inputSideMax);
const triple = z.tuple([z.number(), z.number(), z.number()]);

const pretrained = z.object({
  input_size: z
    .tuple([z.literal(3), side, side])
    .optional()
    .catch(undefined),
  mean: triple.optional().catch(undefined),
  std: triple
    .refine((values) => values.every((value) => value > 0))
    .optional()
    .catch(undefined),
  interpolation: z.string().optional().catch(undefined),
  crop_pct: z.number().optional().catch(undefined),
  license: z.string().optional().catch(undefined),
  label_names: z.array(z.string()).optional().catch(undefined),
});

const config = z.looseObject({
  architecture: z.string().max(200).optional().catch(undefined),
  label_names: z.array(z.string()).optional().catch(undefined),
  /** Files of before 2023 have the same members one level up. */
  pretrained_cfg: z.unknown().optional(),
});

/**
 * Reads timm's config.json: architecture, class names, input size, normalisation. Members that are missing or of another form are
 * passed over, because the file may be of another library; nothing is told of a file that is no JSON object.
 */
export function toldByConfig(text: string): Told {
  const parsed = config.safeParse(parsedJson(text));
  if (!parsed.success) return { assumptions: [] };
  const { architecture, label_names: labels, pretrained_cfg: nested, ...rest } = parsed.data;
  const about = pretrained.safeParse(nested ?? rest).data ?? {};
  const { mean, std, input_size: size, interpolation = 'bicubic', crop_pct: crop = 1 } = about;
  const classNames = labels ?? about.label_names;
  return {
    // timm's own names come first; the catalogue falls back to torchvision's where both libraries build the same.
    ...(architecture !== undefined && { architecture: `timm:${architecture}` }),
    ...(classNames !== undefined && new Set(classNames).size === classNames.length && { classNames }),
    ...(size && { inputShape: [size[1], size[2], 3] as const }),
    ...(mean && std && { preprocessing: { scale: 1 / 255, mean, std, resize: 'shorter-side-centre-crop' as const } }),
    ...(about.license !== undefined && { licence: about.license }),
    assumptions: [
      ...(interpolation === 'bicubic'
        ? []
        : [`It was evaluated on images scaled by ${interpolation} interpolation; here they are scaled bicubically.`]),
      ...(crop === 1
        ? []
        : [`It was evaluated on the middle ${Math.round(crop * 1000) / 10} % of the shorter side; here the whole of it is taken.`]),
    ],
  };
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
