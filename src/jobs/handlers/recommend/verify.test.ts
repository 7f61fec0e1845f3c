import { describe, expect, it } from 'vitest';
import { withRandomWeights, globalAverage, dense, input } from '../../../core/network/testing.ts';
import type { Checkpoints, Engine, EpochRecord } from '../../../engine/types.ts';
import { recommendRequest, type RecommendRequest } from '../../../schema/recommendations.ts';
import { type Entrant, verifyCandidates, type Verifying } from './verify.ts';

const images = { count: 100, height: 1, width: 1, pixels: new Uint8Array(300), labels: new Int32Array(100) };

/** A network whose name says how fast it learns. */
const learner = (speed: number): Entrant => {
  const network = withRandomWeights([input([1, 1, 3]), globalAverage('g', 'input'), dense('d', 'g', 2)]);
  return {
    id: `mdl_${speed}`,
    name: `learner ${speed}`,
    network: async () => ({ ...network, metadata: { ...network.metadata, name: String(speed) } }),
    images: async () => ({ train: images, validation: images }),
  };
};

/** An engine that trains by counting epochs, in checkpoints like the real one's; its accuracy grows with speed and epochs. */
function countingEngine(trained: string[]): Pick<Engine, 'train'> {
  return {
    train: async (network, _train, _validation, recipe, { checkpoints, pauseAfter = recipe.epochs } = {}) => {
      const speed = Number(network.metadata.name);
      const history: EpochRecord[] = JSON.parse(new TextDecoder().decode((await checkpoints?.load()) ?? new TextEncoder().encode('[]')));
      while (history.length < Math.min(recipe.epochs, pauseAfter)) {
        const epoch = history.length + 1;
        trained.push(`${speed}:${epoch}`);
        const validationAccuracy = Math.round(100 * (1 - 1 / (1 + speed * epoch)) - (recipe.seed > 500 ? 2 : 0)) / 100;
        history.push({ epoch, learningRate: 0, loss: 0, validationLoss: 0, validationAccuracy });
        await checkpoints?.save(new TextEncoder().encode(JSON.stringify(history)));
      }
      return { network, bestEpoch: history.length, history, imagesPerSecond: 1000 };
    },
  };
}

function inMemory(): (name: string) => Checkpoints {
  const kept = new Map<string, Uint8Array>();
  return (name) => ({ load: async () => kept.get(name), save: async (bytes) => void kept.set(name, bytes) });
}

function verifying(verify: RecommendRequest['verify'], trained: string[], checkpoints = inMemory()): Verifying {
  const request = recommendRequest.parse({ dataset: `dst_${'0'.repeat(26)}`, verify });
  const counts = { train: 100, validation: 100, test: 100 };
  const dataset = { report: { classes: [{ name: 'a', ...counts }], counts } };
  const signal = new AbortController().signal;
  const given = { input: { request, dataset }, checkpoints, progress: () => {}, log: () => {}, signal, engine: countingEngine(trained) };
  // What a verification looks at of its job and engine.
  return given as unknown as Verifying;
}

const entrants = [learner(0.3), learner(2), learner(0.5), learner(1)];

describe('verifyCandidates', () => {
  it('drops the worse half after equally many epochs, within the budget', async () => {
    const trained: string[] = [];
    const { verified, verification } = await verifyCandidates(entrants, verifying({ topK: 4, budget: { epochs: 16 } }, trained));
    expect(trained).toHaveLength(16);
    expect(verification).toMatchObject({ epochs: 16, rounds: [{ untilEpoch: 2, dropped: ['mdl_0.5', 'mdl_0.3'] }, { untilEpoch: 6 }] });
    expect(Array.from(verified, ([id, { epochs, droppedAfter }]) => [id, epochs, droppedAfter])).toEqual([
      ['mdl_0.3', 2, 2],
      ['mdl_2', 6, null],
      ['mdl_0.5', 2, 2],
      ['mdl_1', 6, null],
    ]);
    const best = verified.get('mdl_2');
    expect(best?.runs).toHaveLength(1);
    expect(best?.accuracy.value).toBe(best?.runs[0].history.at(-1)?.validationAccuracy);
  });

  it('goes on where it was killed, and comes to the same', async () => {
    const whole = await verifyCandidates(entrants, verifying({ topK: 4, budget: { epochs: 16 } }, []));
    for (const killedAfter of [1, 5, 9, 15]) {
      const checkpoints = inMemory();
      const before: string[] = [];
      const killing = {
        push: (...epochs: string[]) => {
          if (before.length === killedAfter) throw new Error('killed');
          return before.push(...epochs);
        },
      };
      const first = verifyCandidates(entrants, verifying({ topK: 4, budget: { epochs: 16 } }, killing as unknown as string[], checkpoints));
      await expect(first).rejects.toThrow('killed');
      const after: string[] = [];
      const resumed = await verifyCandidates(entrants, verifying({ topK: 4, budget: { epochs: 16 } }, after, checkpoints));
      expect(resumed.verified).toEqual(whole.verified);
      expect(resumed.verification.rounds).toEqual(whole.verification.rounds);
      expect([...before, ...after]).toHaveLength(16);
    }
  });

  it('trains finalists with several common seeds where the budget holds them', async () => {
    const trained: string[] = [];
    const { verified, verification } = await verifyCandidates(
      entrants.slice(0, 2),
      verifying({ topK: 2, budget: { epochs: 33 } }, trained),
    );
    expect(trained).toHaveLength(32);
    expect(verification).toMatchObject({ epochs: 32, seeds: [0, 1000] });
    for (const one of verified.values()) {
      expect(one.runs.map(({ seed, history }) => [seed, history.length])).toEqual([
        [0, 8],
        [1000, 8],
      ]);
      const [a, b] = one.runs.map(({ accuracy }) => accuracy);
      expect(one.accuracy.value).toBeCloseTo((a + b) / 2, 12);
      expect(one.spread).toBeCloseTo(Math.abs(a - b) / Math.SQRT2, 12);
      expect(a).not.toBe(b);
    }
  });

  it('stops within an epoch of its seconds', async () => {
    const trained: string[] = [];
    const { verified, verification } = await verifyCandidates(entrants, verifying({ topK: 4, budget: { seconds: 1e-9 } }, trained));
    expect(verification).toMatchObject({ epochs: 0, rounds: [] });
    expect(verified.size).toBe(0);
  });
});
