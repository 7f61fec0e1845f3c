import { html } from 'hono/html';
import type { OpenApiDocument } from './openapi.ts';

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:2rem;text-transform:capitalize}code{font-weight:600}dt{margin-top:1rem}dd{margin:.2rem 0 0 1rem;color:#555}
@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}dd{color:#aaa}a{color:#8bf}}`;

const METHODS = ['get', 'post', 'delete'] as const;

/** Every route with what it does, as a page that loads nothing from elsewhere. */
export const docsPage = (document: OpenApiDocument) => {
  const routes = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation ? [{ path, method: method.toUpperCase(), operation }] : [];
    }),
  );
  const tags = [...new Set(routes.flatMap(({ operation }) => operation.tags ?? []))];
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${document.info.title}</title>
        <style>
          ${style}
        </style>
      </head>
      <body>
        <h1>${document.info.title}</h1>
        <p>${document.info.description} Shapes of requests and answers: <a href="/openapi.json">openapi.json</a>.</p>
        ${tags.map(
          (tag) =>
            html`<h2>${tag}</h2>
              <dl>
                ${routes
                  .filter(({ operation }) => operation.tags?.includes(tag))
                  .map(
                    ({ path, method, operation }) =>
                      html`<dt><code>${method} ${path}</code> ${operation.summary}</dt>
                        <dd>${operation.description}</dd>`,
                  )}
              </dl>`,
        )}
      </body>
    </html>`;
};
