import { createWriteStream, existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import { beforeAll, describe, expect, it } from 'vitest';
import { Failure } from '../../core/failure.ts';
import { folder, noise, tar, temporaryFolder, zip, type Files } from './fixtures.ts';
import { importDataset, type ImportOptions } from './import.ts';

let scratch = '';
let outputs = 0;
beforeAll(async () => {
  scratch = await temporaryFolder();
});

const importFrom = (path: string, options: Partial<ImportOptions> = {}) =>
  importDataset(path, { fileName: 'digits.zip', seed: 1, outputPath: join(scratch, `out-${outputs++}`), ...options });
const importZip = async (files: Files, options?: Partial<ImportOptions>) => importFrom(await zip(join(scratch, 'in.zip'), files), options);

async function refusal(files: Files, options?: Partial<ImportOptions>): Promise<Failure> {
  const outputPath = join(scratch, 'refused');
  const error = await importZip(files, { outputPath, ...options }).catch((thrown: unknown) => thrown);
  if (!(error instanceof Failure)) throw new Error(`no Failure but ${JSON.stringify(error)} ${String(error)}`);
  expect(existsSync(outputPath)).toBe(false);
  return error;
}

describe('image folders', () => {
  it('makes 60/20/20 of every class when no split is given, in a zip, a tar and a tar.gz alike', async () => {
    const files = [...(await folder('digits/7', 10)), ...(await folder('digits/10', 5))];
    const report = await importZip(files);
    expect(report).toEqual({
      classes: [
        { name: '7', train: 6, validation: 2, test: 2 },
        { name: '10', train: 3, validation: 1, test: 1 },
      ],
      counts: { train: 9, validation: 3, test: 3 },
      size: { minimum: [8, 8], median: [8, 8], maximum: [8, 8] },
      channels: 'rgb',
      splitsGiven: false,
      duplicates: 0,
      refused: { count: 0, files: [] },
      seed: 1,
    });
    expect(await importFrom(await tar(join(scratch, 'in.tar'), files))).toEqual(report);
    expect(await importFrom(await tar(join(scratch, 'in.tar.gz'), files, { gzip: true }))).toEqual(report);
  });

  it('takes given splits as they are, whatever they call validation', async () => {
    for (const validation of ['val', 'valid', 'Validation']) {
      const parts = [folder('Train/a', 3), folder('Train/b', 2), folder(`${validation}/a`, 1), folder('test/b', 2)];
      const report = await importZip((await Promise.all(parts)).flat());
      expect(report).toMatchObject({ counts: { train: 5, validation: 1, test: 2 }, splitsGiven: true });
      expect(report.classes[1]).toEqual({ name: 'b', train: 2, validation: 0, test: 2 });
    }
  });

  it('takes validation from train where only that is lacking', async () => {
    const files = [folder('d/train/a', 10), folder('d/train/b', 10), folder('d/test/a', 4), folder('d/test/b', 4)];
    const report = await importZip((await Promise.all(files)).flat());
    expect(report).toMatchObject({ counts: { train: 16, validation: 4, test: 8 }, splitsGiven: false });
  });

  it('splits the smallest dataset that there can be: two classes of two images', async () => {
    const report = await importZip([...(await folder('a', 2)), ...(await folder('b', 2))]);
    expect(report.counts).toEqual({ train: 2, validation: 1, test: 1 });
  });

  it('gives the same container for the same seed and another for another', async () => {
    const files = [...(await folder('a', 10)), ...(await folder('b', 10))];
    const containers = await Promise.all(
      [1, 1, 2].map(async (seed, i) => {
        const outputPath = join(scratch, `seeded-${i}`);
        await importFrom(await zip(join(scratch, `seeded-${i}.zip`), files), { seed, outputPath });
        return readFile(outputPath);
      }),
    );
    expect(containers[1].equals(containers[0])).toBe(true);
    expect(containers[2].equals(containers[0])).toBe(false);
  });

  it('reports sizes, grey images, clutter and progress', async () => {
    const grey = await noise(900, 20).greyscale().png().toBuffer();
    const phases: number[] = [];
    const report = await importZip(
      [
        ...(await folder('a', 3)),
        ...(await folder('b', 3)),
        ['b/grey.png', grey],
        ['.DS_Store', grey],
        ['__MACOSX/b/grey.png', grey],
        ['b/Thumbs.db', grey],
      ],
      { onProgress: ({ done, total }) => phases.push(done / total) },
    );
    expect(report).toMatchObject({ size: { minimum: [8, 8], maximum: [20, 20] }, channels: 'mixed', refused: { count: 0 } });
    expect(phases.at(-1)).toBe(1);
  });

  it('keeps an image that two splits hold in train only, whatever its file format', async () => {
    const png = await noise(901).png().toBuffer();
    const webp = await noise(901).webp({ lossless: true }).toBuffer();
    const parts = await Promise.all([folder('train/a', 2), folder('train/b', 2), folder('val/a', 2), folder('test/b', 2)]);
    const report = await importZip([...parts.flat(), ['train/a/x.png', png], ['test/a/x.webp', webp], ['val/a/x.png', png]]);
    expect(report).toMatchObject({ duplicates: 2, counts: { train: 5, validation: 2, test: 2 } });
  });

  it('leaves classes out on demand', async () => {
    const files = [...(await folder('a', 3)), ...(await folder('b', 3)), ...(await folder('c', 1))];
    expect((await importZip(files, { exclude: ['c'] })).classes.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(await refusal(files, { exclude: ['z'] })).toMatchObject({ code: 'invalid-request', field: 'exclude' });
  });

  it('leaves out and names a few files that are no images or stand elsewhere', async () => {
    const [[, bytes]] = await folder('x', 1);
    const report = await importZip([
      ...(await folder('d/a', 12)),
      ...(await folder('d/b', 12)),
      ['d/a/broken.png', bytes.subarray(0, 60)],
      ['d/README.txt', Buffer.from('hello')],
      ['d/cover.png', bytes],
      ['d/a/inner.zip', Buffer.from('PK\x03\x04 and so on')],
    ]);
    expect(report.counts.train + report.counts.validation + report.counts.test).toBe(24);
    expect(report.refused.count).toBe(4);
    expect(report.refused.files.map(({ name, reason }) => `${name} ${reason}`)).toEqual([
      expect.stringMatching(/^d\/a\/broken\.png cannot be decoded: /),
      'd/README.txt is no image',
      'd/a/inner.zip is a zip archive',
      'd/cover.png is in no CLASS/ or SPLIT/CLASS/ folder',
    ]);
  });

  it('takes the first of two files of one name', async () => {
    const files = [...(await folder('a', 5)), ...(await folder('b', 5))];
    const report = await importZip([...files, [files[0][0], (await folder('x', 1))[0][1]]]);
    expect(report.refused.files).toEqual([{ name: 'a/0.png', reason: 'is in the archive a second time' }]);
  });
});

describe('what is refused', () => {
  it('a class with one image, with what to do', async () => {
    const failure = await refusal([...(await folder('7', 1)), ...(await folder('8', 3))]);
    expect(failure).toMatchObject({ code: 'unusable-dataset', hint: 'Add images, or leave the class out with --exclude 7.' });
    expect(failure.message).toBe('digits.zip holds 1 image in class "7"; at least 2 are needed to split it.');
  });

  it('one class, named, with or without a folder around it', async () => {
    for (const top of ['cats', 'photos/cats']) {
      expect((await refusal(await folder(top, 4))).message).toBe('digits.zip holds one class only, "cats".');
    }
  });

  it('no image, saying what was found', async () => {
    const text = Buffer.from('a,b');
    const failure = await refusal([
      ['a/1.csv', text],
      ['a/2.csv', text],
      ['b/c.txt', text],
    ]);
    expect(failure.code).toBe('unusable-dataset');
    expect(failure.message).toBe('digits.zip holds no readable image: it holds 2 .csv files, 1 .txt file (a/1.csv is no image).');
    expect((await refusal([])).message).toContain('it holds no file');
  });

  it('images in no class folder at all', async () => {
    const files = [...(await folder('a', 2))].map(([name, bytes]) => [name.slice(2), bytes] as const);
    expect((await refusal(files)).message).toContain('2 unusable images among 2');
  });

  it('more than a tenth of damaged images', async () => {
    const files = await folder('a', 8);
    const damaged = files.slice(0, 2).map(([name, bytes]) => [`b/${name}`, bytes.subarray(0, 50)] as const);
    expect((await refusal([...files, ...(await folder('b', 8)), ...damaged])).message).toMatch(
      /^digits\.zip holds 2 unusable images among 18: b\/a\/0\.png cannot/,
    );
  });

  it('a split left empty by duplicates, and a class without a train image', async () => {
    const train = [...(await folder('train/a', 2)), ...(await folder('train/b', 2))];
    const copies = train.map(([name, bytes]) => [name.replace('train', 'test'), bytes] as const);
    expect((await refusal([...train, ...copies])).message).toBe(
      'digits.zip leaves the test split empty once 4 duplicates of other splits are left out.',
    );
    expect((await refusal([...train, ...(await folder('test/c', 2))])).message).toBe('digits.zip holds no train image of class "c".');
  });

  it('what is no archive, a truncated one, a climbing name and a link, leaving no file', async () => {
    const files = [...(await folder('a', 3)), ...(await folder('b', 3))];
    const whole = await readFile(await zip(join(scratch, 'whole.zip'), files));
    const evil = pack();
    evil.entry({ name: '../evil.png' }, 'x');
    evil.finalize();
    const link = pack();
    link.entry({ name: 'a/link.png', type: 'symlink', linkname: '/etc/passwd' });
    link.finalize();
    const cases = [
      ['text.zip', 'unsupported-format'],
      ['cut.zip', 'malformed-file'],
      ['evil.tar', 'malformed-file'],
      ['link.tar', 'malformed-file'],
    ] as const;
    await writeFile(join(scratch, 'text.zip'), 'hello');
    await writeFile(join(scratch, 'cut.zip'), whole.subarray(0, whole.length / 2));
    await pipeline(evil, createWriteStream(join(scratch, 'evil.tar')));
    await pipeline(link, createWriteStream(join(scratch, 'link.tar')));
    for (const [name, code] of cases) {
      const outputPath = join(scratch, 'nothing');
      await expect(importFrom(join(scratch, name), { outputPath, fileName: name })).rejects.toMatchObject({ code, field: name });
      expect(existsSync(outputPath)).toBe(false);
    }
  });

  it('going on after a cancel', async () => {
    const failure = await refusal(await folder('a', 3), { signal: AbortSignal.abort() });
    expect(failure.code).toBe('cancelled');
  });
});
