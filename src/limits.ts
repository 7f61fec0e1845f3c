/** Bounds on what untrusted files may make us do. Each name ends in its unit; each has its reason. */
const MiB = 1024 * 1024;

export const limits = {
  /** CIFAR-10 has 60,000 files and tiny-imagenet 120,000; beyond this a listing alone takes minutes. */
  archiveEntriesMax: 500_000,
  /** What an archive may unpack to in all: an ImageNet-100 at 256 px, far under a small machine's disk. */
  archiveUnpackedBytesMax: 16 * 1024 * MiB,
  /** One entry is read into memory; VGG-19 in float32 is 550 MiB. */
  archiveEntryBytesMax: 1024 * MiB,
  /** Unpacked ÷ packed. Deflate reaches 1032 on zeros; real images and weights stay under 20. */
  archiveRatioMax: 200,
  /** The ratio says nothing about small archives, so it is looked at beyond this many unpacked bytes. */
  archiveRatioFromBytes: 32 * MiB,
  /** Longest entry name, the PATH_MAX of common file systems. */
  archiveNameBytesMax: 4096,
  /** Files inside a model archive: model.json and 4 MiB shards of the largest model. */
  modelArchiveEntriesMax: 2048,
  /** A model file is held in memory once as bytes and once as float32. */
  modelBytesMax: 1024 * MiB,
  /** safetensors header and model.json: ResNet-152 has under 200 KiB; the reference safetensors reader stops at 100 MB. */
  modelHeaderBytesMax: 32 * MiB,
  /** A PyTorch file's pickle: 150 bytes a tensor, and each byte can make an object of a hundred. */
  pickleBytesMax: 4 * MiB,
  /** Pixels of one side of a network's input; the largest published classifiers take 800. */
  inputSideMax: 4096,
  /** Layers of one network; the deepest known architectures have about 1,000. */
  modelLayersMax: 10_000,
  /** Pixels of one image: a 64-megapixel camera's; decoded that is 192 MB in RGB. */
  imagePixelsMax: 64_000_000,
  /** Longer ÷ shorter side: beyond it the centre square is hardly any of the image, and scaling the short side up makes huge strips. */
  imageAspectMax: 50,
  /** Bytes of one image file: a 64-megapixel PNG stays under it. */
  imageBytesMax: 192 * MiB,
  /** Classes of one dataset: ImageNet-1k has 1,000. */
  datasetClassesMax: 1_000,
  /** Unpacked bytes of one IDX file, held in memory once: EMNIST's largest, 697,932 images of 28 × 28, takes 522 MiB. */
  idxBytesMax: 768 * MiB,
  /** A split packed for training that is held in memory: 20,000 images at 224 × 224, or a million at 32 × 32; a larger one is read from its file. */
  packedBytesMax: 3072 * MiB,
  /** Files that can be made again: packed images and features of a few dozen datasets, a small part of any disk. */
  cacheBytesMax: 8 * 1024 * MiB,
  /** A dataset's archive as it is sent: an ImageNet-100 at 256 px; it is on disk only. */
  datasetBytesMax: 8 * 1024 * MiB,
  /** A JSON body, held in memory: 200 candidates' ids take 6 KiB. */
  jsonBytesMax: MiB,
  /** A form with several images, held in memory until it is parsed; one image as the raw body goes straight to disk. */
  formBytesMax: 64 * MiB,
  /** What a refused request may still send before its connection is cut: a second of a fast line. */
  drainBytesMax: 64 * MiB,
  drainWaitMs: 1000,
  /** Samples of one layer's activations, held in memory about five times: 2,048 channels at 8 positions of 4,096 images. */
  activationLayerBytesMax: 256 * MiB,
  /** Samples of all layers, on disk while a profile is made: those of a ResNet-50 at 8 positions of 4,096 images take 3.5 GB. */
  activationFileBytesMax: 16 * 1024 * MiB,
  /** Images in one form: more of them are an evaluation, not a try. */
  predictImagesMax: 256,
  /** How long a request waits for a prediction before it answers 202; under the minute after which many clients and proxies give up. */
  predictWaitMs: 30_000,
  /** The same for a plan. */
  planWaitMs: 10_000,
  /** Weights of a model that a request plans by itself: a ResNet-50 takes a tenth of a second of the service's loop, 256 MiB a fifth. */
  planAtOnceBytesMax: 256 * MiB,
  /** The same where all pairs of kernels are compared, whose time grows with the square: 0.1 s. */
  planAtOncePairwiseBytesMax: 4 * MiB,
  /** Networks that are held for the next plan: two of that size. */
  recentNetworksBytesMax: 512 * MiB,
  /** Deaths of one job's process before the job is given up: a crash that repeats is the job's own. */
  jobCrashesMax: 3,
  /** A worker that has not renewed its lease for so long is dead; its event loop is free, so that it never comes late. */
  jobLeaseMs: 30_000,
  /** From asking a job's process to end to ending it: the longest training step is well under it. */
  jobCancelGraceMs: 5_000,
  /** Between two progress reports of a job, unless it enters another phase: as often as a person can read. */
  jobProgressEveryMs: 250,
  /** Redirects of one download: a hub needs two, a renamed repository one more. */
  redirectsMax: 5,
  /** A listing or config.json of a hub, held in memory: 21,000 class names with descriptions take 2 MiB. */
  hubDocumentBytesMax: 8 * MiB,
  /** Silence after which a connection counts as broken. */
  downloadIdleMs: 30_000,
  /** Attempts that get no further before a download is given up; the waits between them make half a minute. */
  downloadAttemptsMax: 6,
  downloadBackoffMs: 1_000,
  /** The longest wait that a busy server may ask for. */
  downloadWaitMsMax: 120_000,
  /** A whole download: a gigabyte at 50 kB/s. A server that trickles holds a job no longer. */
  downloadMsMax: 6 * 3_600_000,
  /** Latest events of a job that are kept whole; of the progress among older ones every 50th is kept, so that days of training stay a short list. */
  jobEventsWhole: 500,
  /** Characters of one line in a job's history. */
  jobLogCharactersMax: 10_000,
} as const;
