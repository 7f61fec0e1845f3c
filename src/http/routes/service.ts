import type { OpenAPIHono } from '@hono/zod-openapi';
import { createRoute, z } from '@hono/zod-openapi';
import { engineReport } from '../../schema/common.ts';
import type { EngineReport } from '../../schema/common.ts';
import type { Context } from '../../services/context.ts';
import { countJobs } from '../../services/jobs.ts';
import { docsPage } from '../docs.ts';
import { problems } from '../errors.ts';
import { openApiDocument } from '../openapi.ts';
import type { Metrics } from '../metrics.ts';
import type { Env } from '../router.ts';
import { createRouter, json } from '../router.ts';

const tags = ['service'];

const health = createRoute({
  method: 'get',
  path: '/healthz',
  tags,
  operationId: 'getHealth',
  summary: 'Whether the server is alive',
  responses: { 200: json('It is', z.object({ status: z.literal('ok') })) },
});

const readiness = z.object({
  status: z.literal('ready'),
  engine: engineReport,
  downloads: z.boolean().describe('Whether models are fetched from hubs and addresses.'),
});

const ready = createRoute({
  method: 'get',
  path: '/readyz',
  tags,
  operationId: 'getReadiness',
  summary: 'Whether it can work, on which engine, and whether it may download',
  responses: { 200: json('It can', readiness), ...problems(503) },
});

const figures = createRoute({
  method: 'get',
  path: '/metrics',
  tags,
  operationId: 'getMetrics',
  summary: 'Figures for Prometheus',
  responses: { 200: { description: 'Text format', content: { 'text/plain': { schema: z.string() } } } },
});

const contract = createRoute({
  method: 'get',
  path: '/openapi.json',
  tags,
  operationId: 'getOpenApi',
  summary: 'This contract',
  responses: { 200: json('OpenAPI 3.1', z.record(z.string(), z.unknown())) },
});

const docs = createRoute({
  method: 'get',
  path: '/docs',
  tags,
  operationId: 'getDocs',
  summary: 'This contract, to read',
  responses: { 200: { description: 'A page', content: { 'text/html': { schema: z.string() } } } },
});

interface Service {
  readonly context: Context;
  readonly metrics: Metrics;
  readonly engineInfo: () => Promise<EngineReport>;
  /** The app that holds these routes among its own, for its contract. */
  readonly app: OpenAPIHono<Env>;
}

export const serviceRoutes = ({ context, metrics, engineInfo, app }: Service) =>
  createRouter()
    .openapi(health, (c) => c.json({ status: 'ok' as const }, 200))
    .openapi(ready, async (c) => {
      // Reads the database, so that a lost disk shows.
      countJobs(context);
      return c.json({ status: 'ready' as const, engine: await engineInfo(), downloads: context.downloads }, 200);
    })
    .openapi(figures, async (c) => c.text(await metrics.read(), 200, { 'content-type': metrics.contentType }))
    .openapi(contract, (c) => c.json(Object.fromEntries(Object.entries(openApiDocument(app))), 200))
    .openapi(docs, (c) =>
      c.html(docsPage(openApiDocument(app)), 200, { 'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'" }),
    );
