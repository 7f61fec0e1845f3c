/**
 * The Network: the one representation of a model. Plain data, no tensor library.
 *
 * Layout is NHWC; convolution kernels are HWIO (height, width, in / groups, out), depthwise kernels (height, width, in,
 * multiplier), Dense kernels (in, out). Kinds, config fields and weight names are Keras's.
 */

/** Shape of one example without the batch axis: [height, width, channels] or [features]. Channels are always last. */
export type Shape = readonly number[];

/** Row-major float32 values with their shape. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export type Pair = readonly [number, number];
export type Padding = 'same' | 'valid';

/**
 * Functions of one value: sigmoid 1 / (1 + e^−x); hard_sigmoid min(6, max(0, x + 3)) / 6; swish x · sigmoid(x); hard_swish
 * x · hard_sigmoid(x); gelu x · Φ(x) with the normal distribution's own Φ, not its approximation by tanh.
 */
export type ActivationName = 'sigmoid' | 'hard_sigmoid' | 'swish' | 'hard_swish' | 'gelu';

/** The configuration of each layer kind. `same` pads as TensorFlow does (at stride 2 bottom and right first). */
export interface Configs {
  /** The one entrance of the network. */
  Input: { readonly shape: readonly [number, number, number] };
  Conv2D: {
    readonly filters: number;
    readonly kernelSize: Pair;
    readonly strides: Pair;
    readonly padding: Padding;
    readonly dilationRate: Pair;
    readonly groups: number;
    readonly useBias: boolean;
  };
  DepthwiseConv2D: {
    readonly kernelSize: Pair;
    readonly strides: Pair;
    readonly padding: Padding;
    readonly dilationRate: Pair;
    readonly depthMultiplier: number;
    readonly useBias: boolean;
  };
  Dense: { readonly units: number; readonly useBias: boolean };
  BatchNormalization: { readonly epsilon: number; readonly momentum: number };
  /** max(0, x), or min(maxValue, max(0, x)) when maxValue is a number (6 for ReLU6). */
  ReLU: { readonly maxValue: number | null };
  /** Every activation but ReLU and Softmax. */
  Activation: { readonly activation: ActivationName };
  /**
   * Over the channels of each position, with the biased variance. In a masked network `over` lists the channels whose mean
   * and variance are taken; all channels where it is not there.
   */
  LayerNormalization: { readonly epsilon: number; readonly over?: readonly number[] };
  /** Each channel times its own factor (Touvron 2021). */
  LayerScale: Record<never, never>;
  MaxPooling2D: { readonly poolSize: Pair; readonly strides: Pair; readonly padding: Padding };
  /** The average leaves padded positions out of its divisor, as TensorFlow's does. */
  AveragePooling2D: { readonly poolSize: Pair; readonly strides: Pair; readonly padding: Padding };
  GlobalAveragePooling2D: Record<never, never>;
  GlobalMaxPooling2D: Record<never, never>;
  Add: Record<never, never>;
  /** Value by value; a vector or a 1×1 map (the gate of a squeeze-and-excitation) counts for every position of the others. */
  Multiply: Record<never, never>;
  /** Along the channel axis. */
  Concatenate: Record<never, never>;
  /** [[top, bottom], [left, right]] */
  ZeroPadding2D: { readonly padding: readonly [Pair, Pair] };
  /** Channels-last order: feature (y · width + x) · channels + c. */
  Flatten: Record<never, never>;
  Dropout: { readonly rate: number };
  Softmax: Record<never, never>;
  /**
   * Output channel o is input channel map[o], or zero where map[o] is −1; every strides-th position is taken.
   * The option-A shortcut of the CIFAR ResNets (He 2016).
   */
  ChannelMap: { readonly map: readonly number[]; readonly strides: Pair };
  /**
   * Output channel o is input channel indices[o]: a slice of the channels, a shuffle (ShuffleNet). Unlike a ChannelMap it passes
   * its channels on: one that leaves before it leaves behind it too.
   */
  ChannelGather: { readonly indices: readonly number[] };
}

export type Kind = keyof Configs;

export interface NodeOf<K extends Kind> {
  /** Unique in the network; Keras layer names where there are any. */
  readonly id: string;
  readonly kind: K;
  readonly config: Configs[K];
  /** Ids of earlier nodes. */
  readonly inputs: readonly string[];
}

export type Node = { [K in Kind]: NodeOf<K> }[Kind];

/** x = (pixel · scale − mean) / std for each channel, pixels 0…255 in RGB order. */
export interface Preprocessing {
  readonly scale: number;
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  /** How an image of another size becomes the input: shorter side scaled bicubically, then the centre cut out. */
  readonly resize: 'shorter-side-centre-crop';
}

export interface NetworkMetadata {
  readonly name: string;
  /** Id in backbones/ that the network was built from, when it was. */
  readonly architecture?: string;
  readonly preprocessing: Preprocessing;
  /** In the order of the logits. */
  readonly classNames?: readonly string[];
  /** What was assumed at import because the file did not say it; shown to the user. */
  readonly assumptions?: readonly string[];
}

export interface Network {
  /** Topologically ordered; the first is the Input, the last is the output (logits, or a Softmax over them). */
  readonly nodes: readonly Node[];
  /** Key `${node.id}/${weight name}`, e.g. `conv1/kernel`. */
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly metadata: NetworkMetadata;
}
