import { z } from 'zod';
import { Failure } from '../../core/failure.ts';
import { HARD_SIGMOID } from './keras-layers.ts';

const layer = z.object({
  class_name: z.string(),
  name: z.string().optional(),
  config: z.record(z.string(), z.unknown()),
  inbound_nodes: z.array(z.unknown()).optional(),
});
export type Layer = z.infer<typeof layer>;
const layerList = z.object({ layers: z.array(layer) });

/** The path of each layer's variables in the weights file, with its class and settings. */
export type Places = Map<string, { readonly path: string; readonly variables: readonly string[] }>;

/** Models nested deeper than this are no models. */
const DEPTH_MAX = 16;

/**
 * A model as Keras 2 writes it, whatever version wrote it: Keras 3 saves `.h5` files too, and the converter of tfjs takes its models.
 *
 * @param version what the file says of it: "2.15.0", "3.9.0"
 * @throws Failure `malformed-file`
 */
export const ofKeras2 = (json: unknown, version: unknown, fileName: string): unknown =>
  typeof version === 'string' && Number.parseInt(version, 10) >= 3 ? asKeras2(json, fileName).topology : json;

/**
 * A Keras 3 model as Keras 2 would have written it, and where a weights file of Keras 3 has each layer's variables.
 *
 * @throws Failure `malformed-file`
 */
export function asKeras2(json: unknown, fileName: string): { readonly topology: unknown; readonly places: Places } {
  const places: Places = new Map();
  return { topology: converted(json, '', places, fileName), places };
}

function converted(json: unknown, folder: string, places: Places, fileName: string, depth = 0): unknown {
  const { class_name: className, config } = parsed(layer, json, fileName);
  const { layers } = parsed(layerList, config, fileName);
  if (depth > DEPTH_MAX) throw malformed(fileName, 'models are nested too deeply');
  const used = new Map<string, number>();
  const all = layers.map((one) => {
    const plain = snakeCase(one.class_name);
    const count = used.get(plain) ?? 0;
    used.set(plain, count + 1);
    const path = `${folder}layers/${plain}${count > 0 ? `_${count}` : ''}`;
    const name = one.name ?? (typeof one.config.name === 'string' ? one.config.name : plain);
    places.set(name, { path, variables: variablesOf(one) });
    const nested = Array.isArray(one.config.layers);
    const inner = nested ? (converted(one, `${path}/`, places, fileName, depth + 1) as { config: object }).config : settings(one);
    return { class_name: one.class_name, name, config: { ...inner, ...constantOf(one) }, inbound_nodes: callsOf(one, fileName) };
  });
  return { class_name: className, config: { ...config, layers: all } };
}

/** How Keras 3 names the groups of its weights. */
function snakeCase(className: string): string {
  return className
    .replaceAll(/\W+/g, '')
    .replaceAll(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
}

/** The variables of a layer in their order in the file, by Keras 2's names. */
function variablesOf({ class_name: className, config }: Layer): readonly string[] {
  const affine = [...(config.scale === false ? [] : ['gamma']), ...(config.center === false ? [] : ['beta'])];
  const classes: Readonly<Record<string, readonly string[]>> = {
    Conv2D: ['kernel', 'bias'],
    Dense: ['kernel', 'bias'],
    DepthwiseConv2D: ['depthwise_kernel', 'bias'],
    SeparableConv2D: ['depthwise_kernel', 'pointwise_kernel', 'bias'],
    BatchNormalization: [...affine, 'moving_mean', 'moving_variance'],
    LayerNormalization: affine,
    LayerScale: ['gamma'],
    Normalization: config.mean === null || config.mean === undefined ? ['mean', 'variance'] : [],
  };
  return Object.hasOwn(classes, className) ? classes[className] : [];
}

function settings({ config }: Layer): Record<string, unknown> {
  const { batch_shape: shape, activation, ...rest } = config;
  return {
    ...rest,
    ...(shape !== undefined && { batch_input_shape: shape }),
    ...(activation !== undefined && { activation: activation === 'hard_sigmoid' ? HARD_SIGMOID : activation }),
  };
}

const call = z.object({ args: z.array(z.unknown()) });
const keptTensor = z.object({ config: z.object({ keras_history: z.tuple([z.string(), z.int(), z.int()]) }) });

/** The tensors of each call of a layer, wherever they are in its arguments. */
function callsOf({ inbound_nodes: calls = [] }: Layer, fileName: string): [string, number, number][][] {
  return calls.map((one) =>
    parsed(call, one, fileName)
      .args.flat(1)
      .filter((argument) => typeof argument !== 'number')
      .map((argument) => parsed(keptTensor, argument, fileName).config.keras_history),
  );
}

/** The number among the arguments of an operation, such as `x + 3.0`, that Keras 3 keeps as a layer. */
function constantOf({ class_name: className, inbound_nodes: calls = [] }: Layer): { constant?: number } {
  const args = call.safeParse(calls[0]).data?.args ?? [];
  const at = args.findIndex((argument) => typeof argument === 'number');
  // A constant that a tensor is taken from, or that it divides, is no line.
  return at < 0 || (at === 0 && !['Add', 'Multiply'].includes(className)) ? {} : { constant: Number(args[at]) };
}

function parsed<T>(schema: z.ZodType<T>, json: unknown, fileName: string): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw malformed(fileName, `its topology is not Keras 3's (${issue.path.join('.') || 'root'}: ${issue.message})`);
}

function malformed(fileName: string, what: string): Failure {
  return new Failure('malformed-file', `${fileName} is no sound Keras file: ${what}.`, {
    hint: 'Save or download the model again.',
    field: fileName,
  });
}
