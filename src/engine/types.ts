import type { ImageSet } from '../core/images.ts';
import type { LinearAlgebra } from '../core/linear/algebra.ts';
import type { Network } from '../core/network/types.ts';
import type { OnProgress } from '../core/progress.ts';
import type { TrainingHook } from '../core/training-hook.ts';

export type BackendName = 'tensorflow' | 'wasm' | 'cpu';

export interface EngineInfo {
  readonly backend: BackendName;
  /** Version of TensorFlow, or of tfjs for the other backends. */
  readonly version: string;
  readonly threads: number;
  /** `cpu`, or the accelerator's name. */
  readonly device: string;
  /** Why this backend and not a faster one. */
  readonly reason: string;
}

/** One channel-major sample of activations: values[c · samples + s]. */
export interface ActivationSample {
  readonly channels: number;
  readonly samples: number;
  readonly values: Float32Array;
  /** True where the values come after a ReLU (all ≥ 0), so that the Dice rescaling is skipped. */
  readonly nonNegative: boolean;
}

/** What is known of a layer's sample before it is taken. */
export interface ActivationLayer {
  /** Node id of the convolution. */
  readonly layer: string;
  readonly channels: number;
  readonly samples: number;
  /** As in {@link ActivationSample}. */
  readonly nonNegative: boolean;
}

/** Takes samples of activations as they are read, so that nobody has to hold those of all layers. */
export interface ActivationSink {
  /** Called once, before the first image, in the order of the convolutions. */
  begin(layers: readonly ActivationLayer[]): void;
  /** The layer's samples from `first` on, in their order: values[s · channels + c]; lent until it returns. */
  take(layer: ActivationLayer, first: number, values: Float32Array): void;
}

export interface SampleOptions extends RunOptions {
  readonly positionsPerImage: number;
  /** Of the positions. */
  readonly seed: number;
}

/** How a network is trained. What is optional changes nothing when it is left out. */
export interface Recipe {
  readonly epochs: number;
  readonly batchSize: number;
  /** `auto`: found by a range test on the training images before the first epoch. */
  readonly learningRate: number | 'auto';
  /** AdamW, or stochastic gradient descent with Nesterov's momentum. */
  readonly optimizer?: { readonly kind: 'adamw' } | { readonly kind: 'sgd'; readonly momentum: number };
  readonly schedule:
    | { readonly kind: 'constant' }
    /** The rate is multiplied by `factor` each `everyEpochs`. */
    | { readonly kind: 'step'; readonly factor: number; readonly everyEpochs: number }
    /** Half a cosine from the learning rate to zero after `warmupEpochs` of linear warm-up. */
    | { readonly kind: 'cosine'; readonly warmupEpochs: number }
    /** Half a cosine up to the learning rate over `risingShare` of all steps, then half a cosine down to nearly zero. */
    | { readonly kind: 'one-cycle'; readonly risingShare: number };
  /** Decoupled (AdamW, SGDW); none on BatchNormalization and bias. */
  readonly weightDecay: number;
  /** Longest gradient of all parameters together (L2); a longer one is scaled down to it. */
  readonly clipNorm?: number;
  /** Share of every label that is spread evenly over all classes. */
  readonly labelSmoothing?: number;
  /** `balanced`: images of a class weigh in inverse proportion to how many there are, 1 on average. */
  readonly classWeights?: 'balanced';
  /** α of the Beta(α, α) distribution that two images and their labels are mixed by, at most 1. */
  readonly mixup?: number;
  /** Share of the old average that a step keeps; the averaged weights are validated and returned. */
  readonly averaging?: number;
  /** Epochs without a higher validation accuracy, or an equal one at a lower loss, after which the training ends. */
  readonly patience?: number;
  /** Which epoch's weights are returned: the best one's on validation (the default, see {@link TrainResult}), or the last one's. */
  readonly result?: 'best' | 'last';
  /** How much of the loss is the distance to the teacher's softened answers; the rest is the labels'. */
  readonly distillation?: { readonly temperature: number; readonly share: number };
  readonly augmentation: {
    readonly horizontalFlip: boolean;
    /** Largest rotation either way, degrees. */
    readonly rotationDegrees: number;
    /** Largest shift either way, share of the side. */
    readonly shift: number;
    /** Smallest share of the image's area that a random crop keeps. */
    readonly crop?: number;
    /** Probability that a random rectangle is erased. */
    readonly erasing?: number;
  };
  /**
   * `head`: the classifier alone; `bn`: that and every BatchNormalization's scale and shift; `lastBlocks`: that and all weights
   * of so many blocks before it. A BatchNormalization that is not trained uses its moving statistics and does not update them.
   */
  readonly tune: 'all' | 'head' | 'bn' | { readonly lastBlocks: number };
  readonly seed: number;
}

export interface Checkpoints {
  load(): Promise<Uint8Array | undefined>;
  save(bytes: Uint8Array): Promise<void>;
}

export interface TrainOptions {
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
  /** Written after every epoch and now and then within one; a run that finds one goes on from it and ends with the same weights. */
  readonly checkpoints?: Checkpoints;
  /** The training pauses after so many epochs of the recipe's, and goes on from `checkpoints` when it is called again. */
  readonly pauseAfter?: number;
  /** Seconds of training between two checkpoints within an epoch; 60 when absent. */
  readonly checkpointSeconds?: number;
  /** Whose answers `recipe.distillation` is about; of the same input, preprocessing and classes. */
  readonly teacher?: Network;
  /** What a pruning schedule does to the training; the same one when it goes on from a checkpoint. */
  readonly hook?: TrainingHook;
}

export interface EpochRecord {
  readonly epoch: number;
  readonly learningRate: number;
  readonly loss: number;
  readonly validationLoss: number;
  readonly validationAccuracy: number;
}

export interface TrainResult {
  /**
   * Weights of the best epoch on validation, the last of those within one standard error of the highest accuracy; or of the last
   * epoch where the recipe says so.
   */
  readonly network: Network;
  readonly bestEpoch: number;
  readonly history: readonly EpochRecord[];
  readonly imagesPerSecond: number;
}

/** Of the kernels of every layer, laid out as the weights are, by weight key. */
export interface WeightGradients {
  /** Gradient of the mean cross-entropy over the images. */
  readonly mean: ReadonlyMap<string, Float32Array>;
  /** Mean over the batches of the squared gradient of the batch's mean cross-entropy. */
  readonly meanSquare: ReadonlyMap<string, Float32Array>;
}

export interface RunOptions {
  readonly batchSize?: number;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** Milliseconds of one batch over the measured runs. */
export interface Latency {
  readonly medianMs: number;
  /** Lower and upper quartile: how far one run is from another on this machine. */
  readonly lowMs: number;
  readonly highMs: number;
}

export interface ObserveOptions extends SampleOptions {
  /** The first so many images are those whose activations are sampled. */
  readonly probeImages: number;
}

/** What one forward pass shows of a network. */
export interface Observation {
  /** As {@link Engine.features}. */
  readonly features: { readonly dimensions: number; readonly values: Float32Array };
  /** As {@link Engine.logits}. */
  readonly logits: Float32Array;
  /** As {@link Engine.activations}. */
  readonly activations: ReadonlyMap<string, ActivationSample>;
}

/** The only way to run a Network. One per process; not safe in worker threads. Never mutates the networks it is given. */
export interface Engine {
  readonly info: EngineInfo;

  /** Dense linear algebra by the backend's own ops where it has them, by a library otherwise. */
  readonly linear: LinearAlgebra;

  /** Outputs before any final Softmax: count × classes, row-major. Preprocessing is the network's own. */
  logits(network: Network, images: ImageSet, options?: RunOptions): Promise<Float32Array>;

  /** The same for one batch of values that are preprocessed already: count × height × width × 3, row-major. */
  logitsOf(network: Network, inputs: Float32Array): Promise<Float32Array>;

  /** Penultimate features (the input of the last Dense layer): count × D, row-major. */
  features(network: Network, images: ImageSet, options?: RunOptions): Promise<{ dimensions: number; values: Float32Array }>;

  /**
   * Activations of every convolution over the images, one sample a channel and position, positions stratified and seeded
   * (METHOD.md §1): read after the convolution's BatchNormalization and activation, or after the
   * BatchNormalization where an Add comes first. Keyed by the convolution's node id. One forward pass.
   */
  activations(network: Network, images: ImageSet, options: SampleOptions): Promise<Map<string, ActivationSample>>;

  /** The same samples, batch by batch as they are read: memory is that of one batch, whatever the number of images. */
  streamActivations(network: Network, images: ImageSet, options: SampleOptions, sink: ActivationSink): Promise<void>;

  /** Features, logits and activations, each image seen once. */
  observe(network: Network, images: ImageSet, options: ObserveOptions): Promise<Observation>;

  /** Resets every BatchNormalization's moving statistics and averages them cumulatively over batches of the images. */
  recalibrate(
    network: Network,
    images: ImageSet,
    options: RunOptions & { readonly batches: number; readonly batchSize: number; readonly seed: number },
  ): Promise<Network>;

  /**
   * Gradients of the cross-entropy by the kernels, with moving BatchNormalization statistics and no Dropout: the network
   * as it answers, not as it trains.
   */
  gradients(
    network: Network,
    images: ImageSet,
    options: RunOptions & { readonly batches: number; readonly batchSize: number; readonly seed: number },
  ): Promise<WeightGradients>;

  train(network: Network, train: ImageSet, validation: ImageSet, recipe: Recipe, options?: TrainOptions): Promise<TrainResult>;

  /**
   * How long a batch takes each network; warmed up, interleaved so that drift hits all alike. At most `runs` of each, fewer
   * where they take seconds.
   */
  latency(networks: readonly Network[], options: { readonly batchSize: number; readonly runs: number }): Promise<Latency[]>;

  /** Images per second of a small fixed convolution network in about half a second. */
  speedCheck(): Promise<number>;
}
