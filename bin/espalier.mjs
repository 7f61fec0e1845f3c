#!/usr/bin/env node
// Runs the TypeScript sources as they are; tsx is what Node 20 needs for that.
import { register } from 'tsx/esm/api';

register();
await import('../src/cli.ts');
