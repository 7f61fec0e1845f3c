import { describe, expect, it } from 'vitest';
import { toldByConfig } from './timm.ts';

const told = (config: unknown) => toldByConfig(JSON.stringify(config));

describe("a repository's config.json", () => {
  it('of timm tells architecture, classes, size, normalisation and licence', () => {
    const pretrained = {
      input_size: [3, 224, 192],
      mean: [0.5, 0.4, 0.3],
      std: [0.2, 0.2, 0.1],
      interpolation: 'bicubic',
      crop_pct: 1,
      license: 'mit',
    };
    const expected = {
      architecture: 'timm:resnet18',
      classNames: ['cat', 'dog'],
      inputShape: [224, 192, 3],
      preprocessing: { scale: 1 / 255, mean: [0.5, 0.4, 0.3], std: [0.2, 0.2, 0.1], resize: 'shorter-side-centre-crop' },
      licence: 'mit',
      assumptions: [],
    };
    expect(told({ architecture: 'resnet18', label_names: ['cat', 'dog'], pretrained_cfg: pretrained })).toEqual(expected);
    expect(told({ architecture: 'resnet18', label_names: ['cat', 'dog'], ...pretrained })).toEqual(expected);
    expect(told({ architecture: 'resnet18', pretrained_cfg: { ...pretrained, label_names: ['cat', 'dog'] } })).toEqual(expected);
  });

  it('says what of the images has no place here', () => {
    expect(told({ pretrained_cfg: { interpolation: 'bilinear', crop_pct: 0.875 } }).assumptions).toEqual([
      expect.stringContaining('bilinear'),
      expect.stringContaining('87.5 %'),
    ]);
  });

  it.each([
    ['no object', []],
    ['of another library', { model_type: 'resnet', architectures: ['ResNetForImageClassification'], num_channels: 3 }],
    [
      'with members of another form',
      { architecture: 7, label_names: { a: 1 }, pretrained_cfg: { input_size: [1, 28, 28], mean: [0.5], std: [1, 1, 0], license: {} } },
    ],
    ['with a size beyond all limits', { pretrained_cfg: { input_size: [3, 1e9, 1e9] } }],
    ['with a deviation of zero', { pretrained_cfg: { mean: [0, 0, 0], std: [0, 1, 1] } }],
    ['with two classes of one name', { label_names: ['crane', 'crane'] }],
  ])('%s tells nothing', (_, config) => expect(told(config)).toEqual({ assumptions: [] }));

  it('that is no JSON tells nothing', () => expect(toldByConfig('<html>')).toEqual({ assumptions: [] }));
});
