#!/usr/bin/env node
// Runs the TypeScript sources as they are; tsx is what Node 20 needs for that.
let tsx;
try {
  tsx = await import('tsx/esm/api');
} catch {
  console.error('espalier: the packages are not installed.\n          Run: npm run setup');
  process.exit(1);
}
tsx.register();
await import('../src/cli.ts');
