import type { OpenAPIHono } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import type { Logger } from 'pino';
import { Failure } from '../core/failure.ts';
import { limits } from '../limits.ts';
import type { EngineReport } from '../schema/common.ts';
import type { Context } from '../services/context.ts';
import { drained } from './drain.ts';
import { onError, onNotFound } from './errors.ts';
import { idempotent } from './idempotency.ts';
import { fromThisMachine } from './loopback.ts';
import { createMetrics } from './metrics.ts';
import type { Env } from './router.ts';
import { createRouter, isForm, isJson } from './router.ts';
import { comparisonRoutes } from './routes/comparisons.ts';
import { datasetRoutes } from './routes/datasets.ts';
import { evaluationRoutes } from './routes/evaluations.ts';
import { jobRoutes } from './routes/jobs.ts';
import { modelRoutes } from './routes/models.ts';
import { profileRoutes } from './routes/profiles.ts';
import { pruningRoutes } from './routes/prunings.ts';
import { recommendationRoutes } from './routes/recommendations.ts';
import { serviceRoutes } from './routes/service.ts';

export interface AppDependencies {
  readonly context: Context;
  /** The engine that jobs run on; fails with `engine-unavailable`. */
  readonly engineInfo: () => Promise<EngineReport>;
  readonly log: Logger;
}

const limited = (maxSize: number): MiddlewareHandler =>
  bodyLimit({
    maxSize,
    onError: () => {
      throw new Failure('limit-exceeded', `The body is larger than ${maxSize} bytes.`, { hint: 'Send less in one request.' });
    },
  });

/** Bodies that are parsed in memory are bounded here; files are counted while they stream to disk. */
const boundedBodies = (): MiddlewareHandler => {
  const json = limited(limits.jsonBytesMax);
  const form = limited(limits.formBytesMax);
  return async (c, next) => {
    if (isJson(c)) return json(c, next);
    if (isForm(c)) return form(c, next);
    return next();
  };
};

const logged =
  (log: Logger): MiddlewareHandler<Env> =>
  async (c, next) => {
    const started = performance.now();
    await next();
    const ms = Math.round(performance.now() - started);
    log.info({ requestId: c.get('requestId'), method: c.req.method, path: c.req.path, status: c.res.status, ms }, 'request');
  };

/** The whole HTTP surface, not yet listening. */
export function createApp({ context, engineInfo, log }: AppDependencies): OpenAPIHono<Env> {
  const metrics = createMetrics(context);
  const app = createRouter();
  app.onError(onError(log));
  app.notFound(onNotFound);
  app.use(
    requestId(),
    logged(log),
    metrics.timed,
    drained,
    secureHeaders({ strictTransportSecurity: false }),
    fromThisMachine,
    boundedBodies(),
    idempotent(context),
  );
  app.route('/', modelRoutes(context));
  app.route('/', datasetRoutes(context));
  app.route('/', profileRoutes(context));
  app.route('/', recommendationRoutes(context));
  app.route('/', pruningRoutes(context));
  app.route('/', comparisonRoutes(context));
  app.route('/', evaluationRoutes(context));
  app.route('/', jobRoutes(context));
  app.route('/', serviceRoutes({ context, metrics, engineInfo, app }));
  return app;
}
