import type { Command } from 'commander';
import { job, jobPage } from '../../schema/jobs.ts';
import { printed, run } from '../command.ts';
import { query } from '../resolve.ts';
import { follow } from '../session.ts';
import { jobsView, jobView } from '../views.ts';

/** `espalier job …` */
export function addJobCommands(program: Command): void {
  const group = program.command('job').description('work that is running, waiting or done');

  group
    .command('ls')
    .option('--state <state>', 'queued, running, cancelling, succeeded, failed or cancelled')
    .description('list jobs, newest first')
    .action(
      run(async (session, { state }: { state?: string }) => {
        const { items } = await session.client.get(`/jobs?${query({ limit: 50, state })}`, jobPage);
        printed(session, items, jobsView(items));
      }),
    );

  group
    .command('show')
    .argument('<job>', 'id')
    .description('state, progress and result of a job')
    .action(
      run(async (session, id: string) => {
        const found = await session.client.get(`/jobs/${id}`, job);
        printed(session, found, jobView(found));
      }),
    );

  group
    .command('wait')
    .argument('<job>', 'id')
    .description('go on with an interrupted job, or follow a running one to its end')
    .action(
      run(async (session, id: string) => {
        const done = await follow(session, id);
        printed(session, done, jobView(done));
      }),
    );

  group
    .command('cancel')
    .argument('<job>', 'id')
    .description('end a job and drop what it has done')
    .action(
      run(async (session, id: string) => {
        const cancelled = await session.client.post(`/jobs/${id}/cancel`, {}, job);
        printed(session, cancelled, `Job ${id} is ${cancelled.state}.`);
      }),
    );
}
