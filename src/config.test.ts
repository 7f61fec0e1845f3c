import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from './config.ts';

describe('loadConfig', () => {
  test('has a default for everything', () => {
    expect(loadConfig({})).toMatchObject({
      dataDir: join(homedir(), '.local', 'share', 'espalier'),
      engine: { backend: undefined },
      http: { host: '127.0.0.1', port: 8080 },
      logLevel: 'info',
      jobs: { concurrency: 1 },
    });
    expect(loadConfig({}).engine.threads).toBeGreaterThan(0);
  });

  test('prefers ESPALIER_DATA to XDG_DATA_HOME to the home folder', () => {
    expect(loadConfig({ XDG_DATA_HOME: '/xdg' }).dataDir).toBe('/xdg/espalier');
    expect(loadConfig({ XDG_DATA_HOME: '/xdg', ESPALIER_DATA: '/own' }).dataDir).toBe('/own');
    expect(loadConfig({ ESPALIER_DATA: 'here' }).dataDir).toBe(join(process.cwd(), 'here'));
  });

  test('reads numbers and takes an empty variable for one that is not set', () => {
    const config = loadConfig({ ESPALIER_PORT: '0', ESPALIER_THREADS: '3', ESPALIER_JOBS: '', ESPALIER_ENGINE: 'wasm' });
    expect(config).toMatchObject({ http: { port: 0 }, engine: { backend: 'wasm', threads: 3 }, jobs: { concurrency: 1 } });
  });

  test.each([
    ['ESPALIER_ENGINE', 'cuda', 'one of tensorflow, wasm, cpu'],
    ['ESPALIER_PORT', 'eighty', 'a whole number from 0 to 65535'],
    ['ESPALIER_THREADS', '1.5', 'a whole number'],
    ['ESPALIER_JOBS', '0', 'from 1 to 64'],
    ['ESPALIER_LOG', 'loud', 'one of trace'],
  ])('names %s when it is wrong', (name, value, expected) => {
    const load = () => loadConfig({ [name]: value });
    expect(load).toThrow(expect.objectContaining({ code: 'invalid-request', field: name }));
    expect(load).toThrow(`${name} is "${value}"`);
    expect(load).toThrow(expected);
  });
});
