import { Comparison } from './comparison';
import { pack } from './pack';
import { combine, dots, multiply, Products, update } from './products';
import { compare } from './tiles';
import { average } from './triangle';

// No runtime, no globals, no data segment: everything lies where the job says, in memory that threads share.

/** Takes tasks until none is left, and returns how many it took. */
export function work(job: Comparison): i32 {
  let taken = 0;
  let task = atomic.add<i32>(changetype<usize>(job), 1);
  while (task < job.tasks) {
    if (job.phase === 0) pack(job, task);
    else if (job.phase === 1) compare(job, task);
    else if (job.phase === 2) average(job, task);
    else if (job.phase === 3) multiply(changetype<Products>(job), task);
    else if (job.phase === 4) dots(changetype<Products>(job), task);
    else if (job.phase === 5) combine(changetype<Products>(job), task);
    else update(changetype<Products>(job), task);
    taken++;
    task = atomic.add<i32>(changetype<usize>(job), 1);
  }
  return taken;
}
