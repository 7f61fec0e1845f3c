/** What long work reports while it runs; a terminal's progress line and a job's events show the same fields. */
export interface Progress {
  /** What is going on, in words: `features resnet20-cifar10`, `fine-tune epoch 3/20`. */
  readonly phase: string;
  /** Units of work done and in all, within the phase. */
  readonly done: number;
  readonly total: number;
  readonly imagesPerSecond?: number;
  /** Estimate for the whole phase group (all epochs of a training), not for the current epoch alone. */
  readonly secondsLeft?: number;
  /** Latest figures worth showing: loss, validation accuracy, … */
  readonly metrics?: Readonly<Record<string, number>>;
}

export type OnProgress = (progress: Progress) => void;
