// A helping thread: sleeps until a job is announced, takes tasks until none is left, sleeps again. Plain JavaScript, so that
// a thread starts in milliseconds and without a TypeScript loader. The words of `control` are those of threads.ts.
import { workerData } from 'node:worker_threads';

const { module, memory, words, job } = workerData;
const control = new Int32Array(memory.buffer);
const { work } = new WebAssembly.Instance(module, { env: { memory } }).exports;

let seen = -1;
for (;;) {
  Atomics.wait(control, words.generation, seen);
  seen = Atomics.load(control, words.generation);
  // Counted as active before the first task is asked for: nobody changes the job under an active thread.
  Atomics.add(control, words.active, 1);
  Atomics.add(control, words.helped, work(job));
  if (Atomics.sub(control, words.active, 1) === 1) Atomics.notify(control, words.active);
}
