import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { createClient, createRegistryChannel } from '@rondo/rpc/client';

/** One call that was made. */
export interface MadeCall {
  /** When it began, as `performance.now()` has it. */
  readonly begunAt: number;
  /** Who answered; undefined where nobody did. */
  readonly instance: string | undefined;
  readonly error: unknown;
}

/** Calls that go on until they are ended. */
export interface UnsafeLoad {
  /** Those that have ended, in the order in which they did. */
  readonly calls: readonly MadeCall[];
  /** Why no call goes to an instance, as the caller itself sees it; undefined where calls do, and of one it doesn't know. */
  whyHeld(instance: string): string | undefined;
  end(): Promise<void>;
}

/** Add as a contract would have it that lets nobody repeat a call: what reached an instance that dies has failed. */
const { add } = CalculatorServiceDefinition.methods;
const unsafe = { ...CalculatorServiceDefinition, methods: { add: { ...add, options: {} } } };

const WORKERS = 8;
const PAUSE_MS = 15;

/** Calls through the registry from this very process, eight at a time, some 500 times a second where there is room. */
export function startUnsafeLoad(registry: string): UnsafeLoad {
  const channel = createRegistryChannel({ registry: [registry] });
  const client = createClient(unsafe, { channel });
  const calls: MadeCall[] = [];
  let over = false;
  const once = async () => {
    const begunAt = performance.now();
    let instance: string | undefined;
    try {
      await client.add(
        { a: 2n, b: 3n },
        {
          onTrailer: (trailer) => {
            instance = trailer.get('rondo-served-by');
          },
        },
      );
      calls.push({ begunAt, instance, error: undefined });
    } catch (error) {
      calls.push({ begunAt, instance, error });
    }
  };
  const work = async () => {
    while (!over) {
      await once();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  };
  const working = Promise.all(Array.from({ length: WORKERS }, work));
  return {
    calls,
    whyHeld: (instance) =>
      channel
        .inspect()
        .flatMap(({ endpoints }) => endpoints)
        .find(({ instanceId }) => instanceId === instance)?.held,
    async end() {
      over = true;
      await working;
      channel.close();
    },
  };
}
