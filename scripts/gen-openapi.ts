// Writes openapi.yaml from the routes' schemas; with --check it fails when the file is not what they say.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { stringify } from 'yaml';
import { Failure } from '../src/core/failure.ts';
import { createApp } from '../src/http/app.ts';
import { openApiDocument } from '../src/http/openapi.ts';
import { createLocalQueue } from '../src/jobs/local.ts';
import { openStore } from '../src/store/store.ts';

const path = fileURLToPath(new URL('../openapi.yaml', import.meta.url));

const generate = (): string => {
  const dataDir = mkdtempSync(join(tmpdir(), 'espalier-openapi-'));
  const store = openStore(dataDir);
  try {
    const queue = createLocalQueue(store, () => {});
    const engineInfo = () => Promise.reject(new Failure('engine-unavailable', 'Nothing runs here.'));
    const app = createApp({ context: { store, queue, zoo: new Map(), downloads: false }, engineInfo, log: pino({ level: 'silent' }) });
    const document = stringify(openApiDocument(app), { lineWidth: 120, aliasDuplicateObjects: false });
    return `# Generated from src/schema and src/http by \`npm run generated\`.\n${document}`;
  } finally {
    store.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
};

const wanted = generate();
if (!process.argv.includes('--check')) {
  writeFileSync(path, wanted);
} else if (readFileSync(path, 'utf8') !== wanted) {
  console.error('openapi.yaml is not what the routes say. Run: npm run generated');
  process.exitCode = 1;
}
