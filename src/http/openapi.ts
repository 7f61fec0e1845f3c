import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Env } from './router.ts';

export type OpenApiDocument = ReturnType<OpenAPIHono<Env>['getOpenAPI31Document']>;

/** The contract of every route, from the schemas that check it. */
export const openApiDocument = (app: OpenAPIHono<Env>): OpenApiDocument =>
  app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Espalier',
      version: '1',
      description: 'Chooses a pretrained CNN backbone for a small dataset by its Dice diversity, then prunes and fine-tunes it.',
      license: { name: 'Apache-2.0' },
    },
  });
