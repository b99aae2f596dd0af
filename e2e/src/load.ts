import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { createClient, createRegistryChannel } from '@rondo/rpc/client';
import type { MutualTls } from '@rondo/rpc/internal';
import type { Tally } from './tally.js';

/** Reads the last tally that `--progress` printed; undefined before the first. */
export function toProgress(stderr: string): Tally | undefined {
  const complete = stderr.split('\n').slice(0, -1);
  const last = complete.filter((line) => line.startsWith('{"progress":')).at(-1);
  return last === undefined ? undefined : JSON.parse(last).progress;
}

/** One call that was made. */
interface MadeCall {
  /** When it began, by `performance.now()`. */
  readonly begunAt: number;
  /** The instance that answered; undefined if none did. */
  readonly instance: string | undefined;
  readonly error: unknown;
}

/** Calls that go on until `end`. */
interface UnsafeLoad {
  /** The calls that have ended, in that order. */
  readonly calls: readonly MadeCall[];
  /** Why the client sends no call to an instance; undefined if it does, and of an instance that it doesn't know. */
  whyHeld(instance: string): string | undefined;
  /** Calls without pauses from now on, so that some calls are in flight at any moment. */
  hurry(): void;
  end(): Promise<void>;
}

/** Add by a contract that lets no client repeat a call: a call that has reached an instance fails if that dies. */
const { add } = CalculatorServiceDefinition.methods;
const unsafe = { ...CalculatorServiceDefinition, methods: { add: { ...add, options: {} } } };

const WORKERS = 8;
const PAUSE_MS = 50;

/** Calls from this process through the registry, eight at a time, about 150 times a second on a quiet machine. */
export function startUnsafeLoad(registry: string, mutualTls?: MutualTls): UnsafeLoad {
  const channel = createRegistryChannel({ registry: [registry], mutualTls });
  const client = createClient(unsafe, { channel });
  const calls: MadeCall[] = [];
  let over = false;
  let pauseMs = PAUSE_MS;
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
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
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
    hurry() {
      pauseMs = 0;
    },
    async end() {
      over = true;
      await working;
      channel.close();
    },
  };
}
