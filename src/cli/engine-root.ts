// Process root that opens the engine, prints what it is as JSON and ends; src/cli/engine-probe.ts starts it.
import { loadConfig } from '../config.ts';
import { openEngine } from '../engine/index.ts';

const { backend, threads } = loadConfig().engine;
const engine = await openEngine({ backend, threads, reason: process.argv[2] });
process.stdout.write(JSON.stringify({ ...engine.info, imagesPerSecond: await engine.speedCheck() }));
