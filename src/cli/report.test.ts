import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { modelCard } from './card.ts';
import { artifact, pruned, report, step } from './pruning.fixture.ts';
import { reportFiles, reportMarkdown, reportPlots } from './report.ts';

const dataset = { name: 'pets "of" mine' };

describe('reportFiles', () => {
  const files = reportFiles(pruned, report, artifact, dataset);
  const text = files['report.md'];

  it('are the text and the plots that it shows', () => {
    expect(Object.keys(files).sort()).toEqual(['curve.svg', 'diversity.svg', 'report.md', 'widths.svg']);
    for (const name of ['curve.svg', 'diversity.svg', 'widths.svg']) {
      expect(text).toContain(`](${name})`);
      expect(files[name]).toMatch(/^<svg .*<\/svg>\n$/s);
    }
  });

  it.each([
    ['stages with their intervals', '| base | 96.0 [95.0, 97.0] | 95.5 [94.5, 96.5] | 95.0 [94.0, 96.0] | 80.0M | 267k | 1.07 MB |'],
    ['the paired test', 'accuracy −0.4 points [−1.0, +0.2]'],
    ['its significance', 'McNemar p = 0.21'],
    ['the proof', "to 3.1e-7 of the outputs' scale on 32 images"],
    ['measured against theoretical speed', '| 1 | 2.00 | 1.25 | 1.60× | 80.0 % |'],
    ['layers before and after', '| c1 | 16 | 11 | 0.310 | 0.360 |'],
    ['groups', '| c1 | 16 | 3 | c1, c3\\|odd |'],
    ['why others stay', "- `fc`: Its channels must stay: they are the network's classes."],
    ['how the ratio was found', '| 0.300 | 40.0M | 94.0 [93.0, 95.0] | 3.0 | – |'],
    ['notes', '- Ratio 0.30 is the elbow.'],
    ['the seed', '--seed 3'],
    ['the request', '"target":{"elbow":true}'],
    ['hashes', `| artifact | \`${'c3'.repeat(32)}\` |`],
    ['the engine', 'tensorflow 2.21.0, 2 threads, cpu'],
  ])('tell %s', (_, part) => {
    expect(text).toContain(part);
  });
});

it('a schedule is told by its parts, and that the plan alone does not repeat it', () => {
  const [{ cost, validation }] = report.stages;
  const part = { name: 'step 1', target: { ratio: 0.2 }, cost, validationAccuracy: validation.accuracy, training: null };
  const text = reportMarkdown(pruned, { ...report, schedule: [part] }, artifact, dataset);
  expect(text).toContain('| step 1 | 0 | 80.0M | 96.0 [95.0, 97.0] |');
  expect(text).toContain('does not repeat the training');
  expect(text).not.toContain('--plan plan.json');
});

describe('reportPlots', () => {
  it('mark the elbow on the curve', () => {
    expect(reportPlots(pruned.plan, report)['curve.svg']).toContain('>elbow</text>');
    const { search: _, ...unsearched } = pruned.plan;
    expect(Object.keys(reportPlots(unsearched, report))).toEqual(['widths.svg', 'diversity.svg']);
    const latency = [{ ...step(0.3, 0, 40e6), accuracy: null, latencyMs: 1.5 }];
    expect(reportPlots({ ...pruned.plan, search: latency }, report)['curve.svg']).toBeUndefined();
  });

  it('draw nothing where no layer changed or has a diversity', () => {
    const layers = report.layers.map((layer) => ({ ...layer, kernelsAfter: layer.kernelsBefore, diversityAfter: null }));
    const { search: _, ...plan } = pruned.plan;
    expect(reportPlots(plan, { layers })).toEqual({});
    expect(reportMarkdown(pruned, report, artifact, dataset)).not.toContain('](');
  });
});

describe('modelCard', () => {
  const card = modelCard(pruned, report, artifact, dataset);
  const metadata = parse(card.split('---\n')[1]);

  it('has metadata as YAML that Hugging Face reads, with the dataset by its name', () => {
    expect(metadata).toMatchObject({ library_name: 'tfjs', pipeline_tag: 'image-classification' });
    expect(metadata.tags).toContain('pruned');
    const [{ name, results }] = metadata['model-index'];
    expect(name).toBe('resnet20-dice-2.0x');
    expect(results).toHaveLength(1);
    expect(results[0].task.type).toBe('image-classification');
    expect(results[0].dataset).toEqual({ name: 'pets "of" mine', type: 'pets "of" mine', split: 'test', revision: 'b2'.repeat(32) });
    expect(results[0].metrics.map(({ type, value }: { type: string; value: number }) => [type, value])).toEqual([
      ['accuracy', 0.951],
      ['f1', 0.946],
    ]);
  });

  it('tells accuracy with its interval and its images, beside the base', () => {
    expect(card).toContain('Accuracy on 2000 test images: 95.1 [94.1, 96.1] %; the unpruned base has 95.5 %.');
  });
});
