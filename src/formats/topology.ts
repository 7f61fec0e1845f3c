import { z } from 'zod';
import type { Configs, Kind, NetworkMetadata, Node } from '../core/network/types.ts';
import { Failure } from '../core/failure.ts';
import { limits } from '../limits.ts';

const count = z.int().min(1).max(1_000_000);
const size = z.int().min(0).max(1_000_000);
const side = z.int().min(1).max(limits.inputSideMax);
const pair = z.tuple([count, count]);
const edges = z.tuple([size, size]);
const padding = z.enum(['same', 'valid']);
const text = z.string().min(1).max(1000);
const triple = z.tuple([z.number(), z.number(), z.number()]);
const none = z.strictObject({});
const pooling = z.strictObject({ poolSize: pair, strides: pair, padding });

/** What JSON may hold as the configuration of each kind. */
const configs: { readonly [K in Kind]: z.ZodType<Configs[K]> } = {
  Input: z.strictObject({ shape: z.tuple([side, side, count]) }),
  Conv2D: z.strictObject({
    filters: count,
    kernelSize: pair,
    strides: pair,
    padding,
    dilationRate: pair,
    groups: count,
    useBias: z.boolean(),
  }),
  DepthwiseConv2D: z.strictObject({
    kernelSize: pair,
    strides: pair,
    padding,
    dilationRate: pair,
    depthMultiplier: count,
    useBias: z.boolean(),
  }),
  Dense: z.strictObject({ units: count, useBias: z.boolean() }),
  BatchNormalization: z.strictObject({ epsilon: z.number().min(0), momentum: z.number().min(0).max(1) }),
  LayerNormalization: z.strictObject({ epsilon: z.number().min(0), over: z.array(size).min(1).optional() }),
  LayerScale: none,
  Activation: z.strictObject({ activation: z.enum(['sigmoid', 'hard_sigmoid', 'swish', 'hard_swish', 'gelu']) }),
  ReLU: z.strictObject({ maxValue: z.number().positive().nullable() }),
  MaxPooling2D: pooling,
  AveragePooling2D: pooling,
  GlobalAveragePooling2D: none,
  GlobalMaxPooling2D: none,
  Add: none,
  Multiply: none,
  Concatenate: none,
  ZeroPadding2D: z.strictObject({ padding: z.tuple([edges, edges]) }),
  Flatten: none,
  Dropout: z.strictObject({ rate: z.number().min(0).max(1) }),
  Softmax: none,
  ChannelMap: z.strictObject({ map: z.array(z.int().min(-1)).min(1), strides: pair }),
  ChannelGather: z.strictObject({ indices: z.array(size).min(1) }),
};

const node = z.strictObject({ id: text, kind: z.string(), config: z.unknown(), inputs: z.array(text) });

const metadata: z.ZodType<NetworkMetadata> = z.object({
  name: z.string(),
  architecture: text.optional(),
  preprocessing: z.strictObject({
    scale: z.number(),
    mean: triple,
    std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]),
    resize: z.literal('shorter-side-centre-crop'),
  }),
  classNames: z.array(z.string()).optional(),
  assumptions: z.array(z.string()).optional(),
});

const topology = z.strictObject({ nodes: z.array(node).min(1).max(limits.modelLayersMax), metadata });

/**
 * Parses the JSON form of a Network without its weights.
 *
 * @throws Failure `malformed-file` naming the field, `unsupported-layer` naming kind and layer
 */
export function parseTopology(json: unknown, fileName: string): { nodes: readonly Node[]; metadata: NetworkMetadata } {
  const parsed = parse(topology, json, fileName, '');
  const nodes = parsed.nodes.map((raw, i): Node => {
    if (!Object.hasOwn(configs, raw.kind)) {
      throw new Failure('unsupported-layer', `Layer "${raw.id}" of ${fileName} has the unknown kind ${raw.kind}.`, { field: raw.id });
    }
    const config = parse(configs[raw.kind as Kind], raw.config, fileName, `nodes.${i}.config.`);
    return { ...raw, config } as Node;
  });
  return { nodes, metadata: parsed.metadata };
}

function parse<T>(schema: z.ZodType<T>, json: unknown, fileName: string, prefix: string): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Failure('malformed-file', `${fileName} does not describe a network: ${prefix}${issue.path.join('.')}: ${issue.message}.`, {
    hint: 'Write the file again with this service.',
    field: fileName,
  });
}

/** JSON with the keys of every object sorted and undefined left out, so that equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, held: unknown) =>
    typeof held === 'object' && held !== null && !Array.isArray(held)
      ? Object.fromEntries(Object.entries(held).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : held,
  );
}
