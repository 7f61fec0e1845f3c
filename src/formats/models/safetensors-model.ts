import type { Network } from '../../core/network/types.ts';
import { torchTensors } from '../../backbones/index.ts';
import { LAYOUT_KEY, NETWORK_KEY, orderedWeights } from '../network.ts';
import { canonicalJson } from '../topology.ts';
import { writeSafetensors } from './safetensors.ts';

/**
 * A network as safetensors for others to read: a known architecture, pruned or not, has the names, layout (OIHW) and shapes of
 * torchvision's or timm's state dict; any other has the Network's own. The metadata hold architecture, class names, how images are
 * prepared, and the layers, so that a pruned network reads back as what it is.
 */
export function writeSafetensorsModel(network: Network): Uint8Array {
  const { nodes, metadata } = network;
  const torch = torchTensors(network);
  return writeSafetensors(torch ?? orderedWeights(network), {
    ...(torch && { format: 'pt', [LAYOUT_KEY]: 'torch' }),
    ...(metadata.architecture !== undefined && { architecture: metadata.architecture }),
    ...(metadata.classNames && { classes: canonicalJson(metadata.classNames) }),
    normalisation: canonicalJson(metadata.preprocessing),
    [NETWORK_KEY]: canonicalJson({ nodes, metadata }),
  });
}
