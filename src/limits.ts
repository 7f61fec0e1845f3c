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
  /** Layers of one network; the deepest known architectures have about 1,000. */
  modelLayersMax: 10_000,
} as const;
