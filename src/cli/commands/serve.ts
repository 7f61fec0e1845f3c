import type { Command } from 'commander';
import { loadConfig } from '../../config.ts';
import { startServer } from '../../http/server.ts';
import { reporting, wholeNumber } from '../command.ts';
import { openService } from '../service.ts';

/** Time that running jobs and requests get to end by themselves; jobs are resumed at the next start. */
const GRACE_MS = 10_000;

/** `espalier serve` */
export function addServeCommand(program: Command): void {
  program
    .command('serve')
    .option('--host <address>', 'address to listen on (default: ESPALIER_HOST or 127.0.0.1)')
    .option('--port <n>', 'port to listen on (default: ESPALIER_PORT or 8080)', wholeNumber('--port'))
    .description('run the HTTP service')
    .action((options: { host?: string; port?: number }) =>
      reporting(async () => {
        const config = loadConfig();
        const service = await openService(config);
        try {
          const server = await startServer({
            app: service.app,
            host: options.host ?? config.http.host,
            port: options.port ?? config.http.port,
          });
          service.publish(server.url);
          process.stdout.write(`espalier listens on ${server.url}   API: ${server.url}/docs   data: ${config.dataDir}\n`);
          await new Promise<void>((resolve) => {
            process.once('SIGINT', resolve);
            process.once('SIGTERM', resolve);
          });
          service.log.info('stopping: running jobs are kept and go on at the next start');
          await server.close(GRACE_MS);
        } finally {
          await service.close(GRACE_MS);
        }
      }),
    );
}
