import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Context } from '../services/context.ts';
import { countJobs } from '../services/jobs.ts';

/** Figures for Prometheus in its text format. */
export interface Metrics {
  read(): Promise<string>;
  readonly contentType: string;
  /** Times requests. */
  readonly timed: MiddlewareHandler;
}

export function createMetrics(context: Context): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const durations = new Histogram({
    name: 'espalier_http_request_duration_seconds',
    help: 'Time until the answer begins, by route.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers: [registry],
  });
  const jobs = new Gauge({ name: 'espalier_jobs', help: 'Jobs by state.', labelNames: ['state'], registers: [registry] });
  const depth = new Gauge({ name: 'espalier_queue_depth', help: 'Jobs that wait for a worker.', registers: [registry] });
  const timed: MiddlewareHandler = async (c, next) => {
    const end = durations.startTimer();
    await next();
    // The pattern and not the path, which would make a series of every id.
    const route = routePath(c, -1);
    end({ method: c.req.method, route: route.endsWith('*') ? 'none' : route, status: c.res.status });
  };
  return {
    timed,
    contentType: registry.contentType,
    read: () => {
      const counts = countJobs(context);
      for (const [state, count] of Object.entries(counts)) jobs.set({ state }, count);
      depth.set(counts.queued);
      return registry.metrics();
    },
  };
}
