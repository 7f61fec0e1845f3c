import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ExportFormat, exportFormats, modelExports } from '../src/schema/models.ts';
import { expectProblem, fakeChild, startService, type Service } from './service.ts';

let service: Service;
let id: string;
beforeAll(async () => {
  service = await startService({ entry: fakeChild });
  id = String((await service.made(await service.upload('/models?fileName=net.zip', 'MODEL net'), 'model')).id);
});
afterAll(() => service.stop());

const content = (format: string, init?: RequestInit) => service.call(`/models/${id}/content?format=${format}`, init);
const madeOf = async (format: ExportFormat) =>
  modelExports.parse((await service.call(`/models/${id}/exports`)).body).items.find((item) => item.format === format)?.made;

test('every format is listed, with what is known of those that were made', async () => {
  const { items } = modelExports.parse((await service.call(`/models/${id}/exports`)).body);
  expect(items.map(({ format }) => format)).toEqual(Object.keys(exportFormats));
  expect(items.filter(({ made }) => made !== null)).toEqual([
    {
      format: 'tfjs',
      fileName: 'net.zip.zip',
      content: `/models/${id}/content?format=tfjs`,
      made: expect.objectContaining({ bytes: 26, losses: [] }),
    },
  ]);
});

test('a format is made when it is first asked for, once however many ask, and then sent like any file', async () => {
  const [one, two] = await Promise.all([content('onnx'), content('onnx')]);
  expect([one.status, two.status]).toEqual([202, 202]);
  expect(one.headers.get('location')).toBe(two.headers.get('location'));
  const job = await service.ended(one);
  expect(job).toMatchObject({
    kind: 'export-model',
    state: 'succeeded',
    result: { content: `/models/${id}/content?format=onnx`, exports: `/models/${id}/exports` },
  });

  const whole = await service.call(String(job.result?.content));
  expect(whole).toMatchObject({ status: 200, text: '0123456789 onnx of net.zip' });
  expect(whole.headers.get('content-disposition')).toContain('net.zip.onnx');
  const etag = whole.headers.get('etag') ?? '';
  expect(etag).toBe(`"${(await madeOf('onnx'))?.sha256}"`);
  expect(await content('onnx', { headers: { range: 'bytes=3-5', 'if-range': etag } })).toMatchObject({ status: 206, text: '345' });
  expect(await content('onnx', { headers: { 'if-none-match': etag } })).toMatchObject({ status: 304, text: '' });
});

test('what a format could not hold is told, and one that cannot hold the model fails', async () => {
  await service.ended(await content('tfjs-uint8'));
  expect(await madeOf('tfjs-uint8')).toMatchObject({ losses: ['It is rounded.'] });
  expect((await service.ended(await content('keras'))).error).toMatchObject({ code: 'unsupported-layer', field: 'conv' });
  expect(await madeOf('keras')).toBeNull();
  expectProblem(await content('caffe'), 400, 'invalid-request', 'format');
  expectProblem(await service.call(`/models/mdl_${'0'.repeat(26)}/content?format=onnx`), 404, 'not-found', 'id');
});

test('equal models share their files, which go with the last of them', async () => {
  const twin = String((await service.made(await service.upload('/models?fileName=net.zip&architecture=a', 'MODEL net'), 'model')).id);
  expect((await service.call(`/models/${twin}/content?format=onnx`)).status).toBe(200);
  expect((await service.call(`/models/${twin}`, { method: 'DELETE' })).status).toBe(204);
  expect((await content('onnx')).status).toBe(200);
  expect((await service.call(`/models/${id}`, { method: 'DELETE' })).status).toBe(204);
  expect((await service.files()).blobs).toEqual([]);
});
