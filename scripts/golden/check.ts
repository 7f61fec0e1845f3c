import { topologyOf, loadWeights, torchNaming, type Topology } from '../../src/backbones/index.ts';
import { costOf, inferShapes, inputShapesOf, layerOf, sizeOf, type Network, type Node, type Tensor } from '../../src/core/network/index.ts';
import { cutNodes, keptChannels } from '../../src/core/prune/cut.ts';
import { dependencyGroups } from '../../src/core/prune/groups.ts';
import { createRandom } from '../../src/core/random.ts';
import type { Engine } from '../../src/engine/index.ts';

/** A reference file; how its weights and input are filled is told beside the files. */
export interface Golden {
  readonly name: string;
  readonly input: readonly [number, number, number];
  readonly macs: number;
  readonly params: number;
  readonly tensors: readonly (readonly [name: string, shape: readonly number[]])[];
  readonly logitsFirst16: readonly number[];
  readonly logitsAbsMean: number;
  readonly logitsArgmax: number;
  readonly pruneHalf?: PruneHalf | { readonly failed: string };
}

interface PruneHalf {
  readonly macs: number;
  readonly params: number;
  readonly conv: readonly (readonly [name: string, shape: readonly number[], groups: number])[];
}

/** One figure; `difference` says both values where they do not agree. */
export interface Check {
  readonly what: 'macs' | 'params' | 'logits' | 'prune';
  readonly difference?: string;
}

/** Of the logits' mean absolute value. */
const TOLERANCE = 1e-3;

/**
 * Compares an architecture with its reference: MACs, parameters, logits, and what is left of it when every dependency group
 * keeps half of its channels, rounded down.
 *
 * @throws Failure when there is no such architecture, or its tensors are others
 */
export async function checkGolden(engine: Pick<Engine, 'logitsOf'>, golden: Golden): Promise<Check[]> {
  const topology = topologyOf(golden.name, { inputShape: golden.input });
  const { macs, params } = costOf(topology.nodes);
  const network = loadWeights(topology, filledTensors(golden), torchNaming);
  const checks: Check[] = [
    { what: 'macs', difference: differing(macs, golden.macs) },
    { what: 'params', difference: differing(params, golden.params) },
    { what: 'logits', difference: await differingNetwork(engine, network, golden) },
  ];
  const half = golden.pruneHalf;
  if (half !== undefined && !('failed' in half)) checks.push({ what: 'prune', difference: differingHalf(topology, half) });
  return checks;
}

const differing = (value: number, expected: number): string | undefined =>
  value === expected ? undefined : `${value} instead of ${expected}`;

function filledTensors({ tensors }: Golden): Map<string, Tensor> {
  return new Map(tensors.map(([name, shape], t) => [name, { shape, data: filled(name, shape, t) }]));
}

function filled(name: string, shape: readonly number[], t: number): Float32Array {
  const scale = Math.sqrt(2 / sizeOf(shape.slice(1)));
  const valueOf = name.endsWith('.running_var')
    ? (s: number) => 1 + 0.5 * s * s
    : name.endsWith('.running_mean') || name.endsWith('.bias')
      ? (s: number) => 0.1 * s
      : shape.length === 1
        ? (s: number) => 1 + 0.1 * s
        : (s: number) => s * scale;
  const data = new Float32Array(sizeOf(shape));
  for (let k = 0; k < data.length; k++) data[k] = valueOf(Math.sin(0.7 * k + 0.3 * t + 0.5));
  return data;
}

const filledInput = ({ input }: Golden): Float32Array => Float32Array.from({ length: sizeOf(input) }, (_, i) => Math.sin(0.05 * i));

/** Logits that miss the tolerance count as equal as far as the reference's own rounding reaches. */
async function differingNetwork(engine: Pick<Engine, 'logitsOf'>, network: Network, golden: Golden): Promise<string | undefined> {
  const input = filledInput(golden);
  const logits = await engine.logitsOf(network, input);
  const difference = differingLogits(logits, golden, TOLERANCE * golden.logitsAbsMean);
  if (difference === undefined) return undefined;
  const other = await engine.logitsOf(withRounding(network), input);
  const rounding = logits.reduce((most, value, i) => Math.max(most, Math.abs(value - other[i])), 0);
  return differingLogits(logits, golden, TOLERANCE * golden.logitsAbsMean + rounding) && difference;
}

/** Float32's epsilon, which each product of a sum may be off by. */
const ROUNDING = 2 ** -23;

/**
 * The network with weights that are off by as much as arithmetic in float32 is: its outputs differ from the exact ones as those of any
 * float32 implementation do. Where sums cancel, as in VGG-19 with formula-filled weights, that is more than the tolerance, and no
 * exactness here could help: PyTorch's float32 logits there are 2.5e-3 of the mean off its own float64, ours on TensorFlow without
 * oneDNN 0.7e-3, so that the two differ by 2.0e-3. Elsewhere it is a hundredth of the tolerance.
 */
function withRounding(network: Network): Network {
  const random = createRandom(1);
  const weights = new Map(
    [...network.weights].map(([key, { shape, data }]) => [
      key,
      { shape, data: data.map((value) => value * (1 + ROUNDING * random.normal())) },
    ]),
  );
  return { ...network, weights };
}

function differingLogits(logits: Float32Array, golden: Golden, tolerance: number): string | undefined {
  const { logitsFirst16, logitsAbsMean, logitsArgmax } = golden;
  const near = (value: number, expected: number): boolean => Math.abs(value - expected) <= tolerance;
  const mean = logits.reduce((sum, value) => sum + Math.abs(value), 0) / logits.length;
  if (!near(mean, logitsAbsMean)) return `mean ${mean} instead of ${logitsAbsMean}`;
  const at = logitsFirst16.findIndex((expected, i) => !near(logits[i], expected));
  if (at >= 0) return `[${at}] ${logits[at]} instead of ${logitsFirst16[at]}`;
  const largest = logits.indexOf(logits.reduce((a, b) => Math.max(a, b)));
  // Two logits within the tolerance of each other may change places.
  return near(logits[largest], logits[logitsArgmax]) ? undefined : `largest ${largest} instead of ${logitsArgmax}`;
}

function differingHalf({ nodes, metadata }: Topology, half: PruneHalf): string | undefined {
  const open = dependencyGroups({ nodes, metadata, weights: new Map() }).filter(({ locked }) => locked === undefined);
  // Any channels will do: only widths are compared.
  const removals = open.map((group) => ({ group, removed: Array.from({ length: Math.ceil(group.size / 2) }, (_, c) => c) }));
  const left = cutNodes(nodes, keptChannels(nodes, inferShapes(nodes), removals));
  const kernels = kernelsOf(left);
  for (const [name, shape, groups] of half.conv) {
    const expected = `${shape.join('×')} in ${groups}`;
    if (kernels.get(name) !== expected) return `${name} ${kernels.get(name)} instead of ${expected}`;
  }
  const { macs, params } = costOf(left);
  return differing(macs, half.macs) ?? differing(params, half.params);
}

/** The shape of every kernel as PyTorch has it, and the number of convolution groups, by the module's name. */
function kernelsOf(nodes: readonly Node[]): Map<string, string> {
  const shapes = inferShapes(nodes);
  const kernels = new Map<string, string>();
  for (const node of nodes) {
    const inputs = inputShapesOf(node, shapes);
    const kernel = layerOf(node.kind)
      .weights(node, inputs)
      .find(({ name }) => name === 'kernel');
    if (kernel === undefined) continue;
    const { storedShape } = torchNaming.layoutOf(node.kind, kernel.shape, undefined);
    const groups = node.kind === 'Conv2D' ? node.config.groups : (inputs[0].at(-1) ?? 0);
    kernels.set(torchNaming.nameOf(node, 'kernel').replace(/\.weight$/, ''), `${storedShape.join('×')} in ${groups}`);
  }
  return kernels;
}
