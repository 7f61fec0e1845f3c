import type { Configs, Kind, Node, Pair, Shape } from '../core/network/types.ts';
import { inputShapesOf, layerOf } from '../core/network/index.ts';

export interface ConvOptions {
  readonly stride?: number;
  /** Zeros on every side; (kernel − 1) / 2 unless given. */
  readonly padding?: number;
  readonly groups?: number;
  readonly useBias?: boolean;
}

/** PyTorch's; every architecture here keeps it. */
const BATCH_NORMALIZATION = { epsilon: 1e-5, momentum: 0.9 };

/**
 * Grows a network node by node. Each verb reads the newest node unless told otherwise and returns the id of what it made.
 * Ids are the module paths of the PyTorch original, so that its weight names follow from them; padding is PyTorch's, the same on both sides.
 */
export function createGraph(inputShape: readonly [number, number, number]) {
  const nodes: Node[] = [];
  const shapes = new Map<string, Shape>();
  const newest = (): string => nodes[nodes.length - 1].id;

  function add<K extends Kind>(kind: K, id: string, config: Configs[K], inputs: readonly string[] = [newest()]): string {
    // The compiler cannot follow that kind and config belong together once K is a parameter.
    const node = { id, kind, config, inputs } as unknown as Node;
    nodes.push(node);
    shapes.set(id, layerOf(kind).outputShape(node as never, inputShapesOf(node, shapes)));
    return id;
  }

  /** Explicit zeros where `same` would not pad like PyTorch. */
  function window(id: string, kernel: number, stride: number, padding: number, from: string) {
    const asSame = stride === 1 && padding * 2 === kernel - 1;
    if (padding > 0 && !asSame) {
      const sides: Pair = [padding, padding];
      add('ZeroPadding2D', `${id}.pad`, { padding: [sides, sides] }, [from]);
    }
    return {
      inputs: [padding > 0 && !asSame ? newest() : from],
      strides: [stride, stride] as const,
      padding: padding > 0 && asSame ? ('same' as const) : ('valid' as const),
    };
  }

  add('Input', 'input', { shape: inputShape }, []);

  const graph = {
    nodes: nodes as readonly Node[],
    newest,
    channels: (): number => shapes.get(newest())?.at(-1) ?? 0,
    add,
    conv(id: string, filters: number, kernel: number, options: ConvOptions = {}, from = newest()): string {
      const { stride = 1, padding = (kernel - 1) / 2, groups = 1, useBias = false } = options;
      const { inputs, ...place } = window(id, kernel, stride, padding, from);
      return add('Conv2D', id, { filters, kernelSize: [kernel, kernel], dilationRate: [1, 1], groups, useBias, ...place }, inputs);
    },
    depthwise(id: string, kernel: number, stride: number): string {
      const { inputs, ...place } = window(id, kernel, stride, (kernel - 1) / 2, newest());
      const config = { kernelSize: [kernel, kernel], dilationRate: [1, 1], depthMultiplier: 1, useBias: false, ...place } as const;
      return add('DepthwiseConv2D', id, config, inputs);
    },
    bn: (id: string): string => add('BatchNormalization', id, BATCH_NORMALIZATION),
    relu: (id: string, maxValue: number | null = null): string => add('ReLU', id, { maxValue }),
    /**
     * Zeros stand in for PyTorch's −∞ padding, which is the same after a ReLU. `ceil` also takes the window that hangs over the
     * bottom and right edge.
     */
    maxPool(id: string, size: number, stride: number, options: { readonly padding?: number; readonly ceil?: boolean } = {}): string {
      if (options.ceil) {
        const [height, width] = shapes.get(newest()) ?? [];
        const over = (side: number): Pair => [0, Math.ceil((side - size) / stride) * stride + size - side];
        const overhang: [Pair, Pair] = [over(height), over(width)];
        if (overhang.some(([, after]) => after > 0)) add('ZeroPadding2D', `${id}.pad`, { padding: overhang });
      }
      const { inputs, strides, padding } = window(id, size, stride, options.padding ?? 0, newest());
      return add('MaxPooling2D', id, { poolSize: [size, size], strides, padding }, inputs);
    },
    globalAverage: (id: string): string => add('GlobalAveragePooling2D', id, {}),
    dropout: (id: string, rate: number): string => add('Dropout', id, { rate }),
    dense: (id: string, units: number): string => add('Dense', id, { units, useBias: true }),
    join: (kind: 'Add' | 'Concatenate', id: string, inputs: readonly string[]): string => add(kind, id, {}, inputs),
  };
  return graph;
}

export type Graph = ReturnType<typeof createGraph>;
