import type { ActivationName, Configs, Kind, Node, Pair, Shape } from '../core/network/types.ts';
import { inputShapesOf, layerOf } from '../core/network/index.ts';

export interface ConvOptions {
  readonly stride?: number;
  /** Zeros on every side; (kernel − 1) / 2 unless given. */
  readonly padding?: number;
  readonly groups?: number;
  readonly useBias?: boolean;
}

/** A side of a square kernel, or [height, width]. */
export type Kernel = number | Pair;

/** How another library than PyTorch sets its layers. */
export interface GraphStyle {
  /** Of BatchNormalization where the architecture does not say it. */
  readonly epsilon?: number;
  /** Windows that PyTorch centres are padded as TensorFlow's `same`. */
  readonly same?: true;
}

/** What follows a convolution. */
export type Activating = 'relu' | 'relu6' | ActivationName;

/** PyTorch's. */
const EPSILON = 1e-5;
const MOMENTUM = 0.9;

const bothSides = (side: Kernel): Pair => (typeof side === 'number' ? [side, side] : side);

/**
 * Grows a network node by node. Each verb reads the newest node unless told otherwise and returns the id of what it made.
 * Ids are the module paths of the PyTorch original, so that its weight names follow from them; padding is PyTorch's, the same on both
 * sides. With `rename` they are those of another library; use the ids that the verbs return.
 */
export function createGraph(inputShape: readonly [number, number, number], rename = (id: string): string => id, style: GraphStyle = {}) {
  const nodes: Node[] = [];
  const shapes = new Map<string, Shape>();
  const newest = (): string => nodes[nodes.length - 1].id;

  function add<K extends Kind>(kind: K, given: string, config: Configs[K], inputs: readonly string[] = [newest()]): string {
    const id = rename(given);
    // The compiler cannot follow that kind and config belong together once K is a parameter.
    const node = { id, kind, config, inputs } as unknown as Node;
    nodes.push(node);
    shapes.set(id, layerOf(kind).outputShape(node as never, inputShapesOf(node, shapes)));
    return id;
  }

  /** Explicit zeros where `same` would not pad like PyTorch. */
  function window(id: string, kernel: Pair, stride: number, padding: Pair, from: string) {
    const padded = padding[0] > 0 || padding[1] > 0;
    const asSame = (stride === 1 || style.same === true) && padding.every((side, axis) => side * 2 === kernel[axis] - 1);
    if (padded && !asSame) {
      const [rows, columns] = padding;
      add(
        'ZeroPadding2D',
        `${id}.pad`,
        {
          padding: [
            [rows, rows],
            [columns, columns],
          ],
        },
        [from],
      );
    }
    return {
      inputs: [padded && !asSame ? newest() : from],
      strides: [stride, stride] as const,
      padding: padded && asSame ? ('same' as const) : ('valid' as const),
    };
  }

  /** Half the kernel on each side. */
  const centred = ([rows, columns]: Pair): Pair => [(rows - 1) / 2, (columns - 1) / 2];

  add('Input', 'input', { shape: inputShape }, []);

  const graph = {
    nodes: nodes as readonly Node[],
    newest,
    channels: (id = newest()): number => shapes.get(id)?.at(-1) ?? 0,
    /** Height and width of the newest map. */
    size(): Pair {
      const [height, width] = shapes.get(newest()) ?? [];
      return [height, width];
    },
    add,
    conv(id: string, filters: number, kernel: Kernel, options: ConvOptions = {}, from = newest()): string {
      const kernelSize = bothSides(kernel);
      const { stride = 1, padding, groups = 1, useBias = false } = options;
      const { inputs, ...place } = window(id, kernelSize, stride, padding === undefined ? centred(kernelSize) : bothSides(padding), from);
      return add('Conv2D', id, { filters, kernelSize, dilationRate: [1, 1], groups, useBias, ...place }, inputs);
    },
    depthwise(id: string, kernel: number, stride: number, options: { readonly useBias?: boolean } = {}, from = newest()): string {
      const kernelSize = bothSides(kernel);
      const { inputs, ...place } = window(id, kernelSize, stride, centred(kernelSize), from);
      const config = { kernelSize, dilationRate: [1, 1], depthMultiplier: 1, useBias: options.useBias ?? false, ...place } as const;
      return add('DepthwiseConv2D', id, config, inputs);
    },
    bn: (id: string, epsilon = style.epsilon ?? EPSILON): string => add('BatchNormalization', id, { epsilon, momentum: MOMENTUM }),
    relu: (id: string, maxValue: number | null = null): string => add('ReLU', id, { maxValue }),
    activate(id: string, activation: Activating): string {
      if (activation === 'relu') return graph.relu(id);
      return activation === 'relu6' ? graph.relu(id, 6) : add('Activation', id, { activation });
    },
    /**
     * Zeros stand in for PyTorch's −∞ padding, which is the same after a ReLU. `ceil` also takes the window that hangs over the
     * bottom and right edge.
     */
    maxPool(
      id: string,
      size: number,
      stride: number,
      options: { readonly padding?: number; readonly ceil?: boolean } = {},
      from = newest(),
    ): string {
      const [height, width] = shapes.get(from) ?? [];
      const over = (side: number): Pair => [0, Math.ceil((side - size) / stride) * stride + size - side];
      const overhang: [Pair, Pair] = [over(height), over(width)];
      const hangs = options.ceil === true && overhang.some(([, after]) => after > 0);
      const entrance = hangs ? add('ZeroPadding2D', `${id}.pad`, { padding: overhang }, [from]) : from;
      const { inputs, strides, padding } = window(id, [size, size], stride, bothSides(options.padding ?? 0), entrance);
      return add('MaxPooling2D', id, { poolSize: [size, size], strides, padding }, inputs);
    },
    /** Padding counts as zeros in PyTorch, and not at all in TensorFlow's `same`. */
    averagePool(id: string, size: Kernel, stride: number, padding = 0, from = newest()): string {
      const sides: Pair = [padding, padding];
      const same = padding > 0 && style.same === true;
      const entrance = padding > 0 && !same ? add('ZeroPadding2D', `${id}.pad`, { padding: [sides, sides] }, [from]) : from;
      return add('AveragePooling2D', id, { poolSize: bothSides(size), strides: [stride, stride], padding: same ? 'same' : 'valid' }, [
        entrance,
      ]);
    },
    /** Hu 2018: the newest map times a gate, made of its average by two 1×1 convolutions. */
    squeezeExcite(
      id: string,
      names: { readonly reduce: string; readonly expand: string },
      { width, activation, gate }: { readonly width: number; readonly activation: Activating; readonly gate: ActivationName },
    ): string {
      const map = newest();
      graph.averagePool(`${id}.pool`, graph.size(), 1);
      graph.conv(names.reduce, width, 1, { useBias: true });
      graph.activate(`${names.reduce}.act`, activation);
      graph.conv(names.expand, graph.channels(map), 1, { useBias: true });
      graph.activate(`${id}.gate`, gate);
      return graph.join('Multiply', `${id}.mul`, [map, newest()]);
    },
    layerNorm: (id: string, epsilon: number): string => add('LayerNormalization', id, { epsilon }),
    globalAverage: (id: string): string => add('GlobalAveragePooling2D', id, {}),
    dropout: (id: string, rate: number): string => add('Dropout', id, { rate }),
    dense: (id: string, units: number): string => add('Dense', id, { units, useBias: true }),
    join: (kind: 'Add' | 'Multiply' | 'Concatenate', id: string, inputs: readonly string[]): string => add(kind, id, {}, inputs),
  };
  return graph;
}

export type Graph = ReturnType<typeof createGraph>;
