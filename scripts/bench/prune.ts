import { createGraph } from '../../src/backbones/graph.ts';
import { resnet } from '../../src/backbones/resnet.ts';
import { withRandomWeights } from '../../src/core/network/testing.ts';
import { costOf, type Network } from '../../src/core/network/index.ts';
import { cut, planPruning, type PruneTarget } from '../../src/core/prune/index.ts';
import { median } from '../../src/core/stats/index.ts';
import { openEngine } from '../../src/engine/index.ts';
import { resnet20, resnet50 } from './networks.ts';
import { planOnly } from './plan-only.ts';
import type { BenchOptions, Figure } from './types.ts';

const RUNS = 5;
const LATENCY_RUNS = 30;
/**
 * A batch, where arithmetic counts, with widths that the engine's kernels like; then what that is without: other widths,
 * and one image at a time, where the start of each operation takes most of the time and chance the rest.
 */
const MEASUREMENTS = [
  { suffix: '', roundTo: 'auto', batchSize: 32 },
  { suffix: ' roundTo 1', roundTo: 1, batchSize: 32 },
  { suffix: ' batch 1', roundTo: 'auto', batchSize: 1 },
] as const;

/** ResNet-56 for CIFAR with projections, which is what rivals' benches prune. */
function resnet56(): Network {
  const graph = createGraph([32, 32, 3]);
  resnet(graph, { block: 'basic', repeats: [9, 9, 9], width: 16, stem: 'cifar', shortcut: 'projection', head: 'fc' }, 10);
  return withRandomWeights(graph.nodes);
}

/** Time of dependency groups, plan and cut; of a plan alone as the service makes it; and how much of the theoretical speed-up is real where this share of the FLOPs leaves. */
export async function* prune({ threads, backend }: BenchOptions): AsyncGenerator<Figure> {
  for (const [name, network] of [
    ['resnet56', resnet56()],
    ['resnet50', resnet50()],
  ] as const) {
    const times: number[] = [];
    for (let run = 0; run <= RUNS; run++) {
      // Groups are known by their nodes; new ones are looked at anew.
      const unknown = { ...network, nodes: [...network.nodes] };
      const start = performance.now();
      cut(unknown, planOf(unknown, { ratio: 0.3 }, 1));
      if (run > 0) times.push((performance.now() - start) / 1000);
    }
    yield { name: `groups, L1 0.3 plan and cut ${name}`, value: median(times), unit: 's' };
  }

  yield* planOnly();

  const engine = await openEngine({ backend, threads });
  for (const [name, network] of [
    ['resnet20', resnet20()],
    ['resnet56', resnet56()],
  ] as const) {
    for (const share of [0.3, 0.5, 0.7]) {
      for (const { suffix, roundTo, batchSize } of MEASUREMENTS) {
        const plan = planOf(network, { flops: (1 - share) * costOf(network).flops }, roundTo);
        const theory = plan.cost.before.flops / plan.cost.after.flops;
        const [base, pruned] = await engine.latency([network, cut(network, plan)], { batchSize, runs: LATENCY_RUNS });
        const value = base.medianMs / pruned.medianMs / theory;
        yield { name: `latency gain over theory ${name} ${share}${suffix}`, value, unit: 'ratio' };
      }
    }
  }
}

const planOf = (network: Network, target: PruneTarget, roundTo: number | 'auto') =>
  planPruning(network, { criterion: 'l1', layers: 'conv', target, roundTo, seed: 0 });
