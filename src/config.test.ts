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

  test('takes a hub over https, over http on this machine only, and its token without the line end of a file', () => {
    expect(loadConfig({}).hub).toEqual({ downloads: true, endpoint: 'https://huggingface.co', token: undefined });
    expect(loadConfig({ HF_ENDPOINT: 'https://mirror.example/hf' }).hub.endpoint).toBe('https://mirror.example/hf');
    for (const endpoint of ['http://127.0.0.1:9000', 'http://localhost:9000', 'http://[::1]:9000']) {
      expect(loadConfig({ HF_ENDPOINT: endpoint }).hub.endpoint).toBe(endpoint);
    }
    expect(loadConfig({ HF_TOKEN: 'hf_x\n', ESPALIER_DOWNLOADS: 'off' }).hub).toMatchObject({ downloads: false, token: 'hf_x' });
  });

  test.each([
    ['ESPALIER_ENGINE', 'cuda', 'one of tensorflow, wasm, cpu'],
    ['ESPALIER_PORT', 'eighty', 'a whole number from 0 to 65535'],
    ['ESPALIER_THREADS', '1.5', 'a whole number'],
    ['ESPALIER_JOBS', '0', 'from 1 to 64'],
    ['ESPALIER_LOG', 'loud', 'one of trace'],
    ['ESPALIER_DOWNLOADS', 'maybe', 'one of on, off'],
    ['HF_ENDPOINT', 'hub.example', 'an https address'],
    ['HF_ENDPOINT', 'http://hub.example', 'an https address'],
    ['HF_ENDPOINT', 'https://me:secret@hub.example', 'an https address'],
  ])('names %s when it is wrong', (name, value, expected) => {
    const load = () => loadConfig({ [name]: value });
    expect(load).toThrow(expect.objectContaining({ code: 'invalid-request', field: name }));
    expect(load).toThrow(`${name} is "${value}"`);
    expect(load).toThrow(expected);
  });
});
