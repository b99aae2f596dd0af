import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { createChannel, createClient } from '@rondo/rpc/client';
import { staticResolver } from '@rondo/rpc/resolver';

/** What came of a batch. */
export interface BatchOutcome {
  readonly results: readonly string[];
  /** The instances that did parts of it, once each. */
  readonly instances: readonly string[];
}

/** Has the calculator at `address` evaluate a batch, all of it in order; `onPart` hears how many results there are. */
export async function evaluateBatch(
  address: string,
  expressions: readonly string[],
  onPart: (count: number) => void = () => undefined,
): Promise<BatchOutcome> {
  const channel = createChannel({ resolver: staticResolver([address]) });
  try {
    const { evaluateBatch: evaluate } = createClient(CalculatorServiceDefinition, { channel });
    const results: string[] = [];
    const instances = new Set<string>();
    for await (const part of evaluate({ expressions: [...expressions] })) {
      if (part.firstIndex !== results.length)
        throw new Error(`a part begins at ${part.firstIndex}, not ${results.length}`);
      results.push(...part.results);
      instances.add(part.instance);
      onPart(results.length);
    }
    return { results, instances: [...instances] };
  } finally {
    channel.close();
  }
}
