import { setTimeout as sleep } from 'node:timers/promises';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { eventually } from '@rondo/harness';
import { adapterResolver, type RegistryAdapter } from '@rondo/registries';
import { type ClientCall, createChannel, createClient, type Endpoint, type Resolver } from '@rondo/rpc/client';
import { systemClock as clock, systemRandom as random } from '@rondo/rpc/clock';
import type { Middleware } from '@rondo/rpc/middleware';

/** How calls are made. */
interface LoadOptions {
  /** Whether the client goes on with what it knew, as every client does; otherwise it knows what the registry lists now. */
  readonly guarded: boolean;
  readonly perSecond: number;
}

/** Each makes one call at a time. */
const CALLERS = 10;
const IN_A_ROW = 100;

/** Calls the calculator over a registry, from this process, until `end`. */
export function startLoad(adapter: RegistryAdapter, { guarded, perSecond }: LoadOptions) {
  const resolver = adapterResolver(adapter, { clock, random });
  const book = new Book();
  const channel = createChannel({
    resolver: guarded ? resolver : believing(resolver),
    healthCheck: true,
    middleware: [book.keep],
  });
  const client = createClient(CalculatorServiceDefinition, { channel });
  const add = () => client.add({ a: 2n, b: 3n });
  let isEnding = false;
  const everyMs = 1_000 / perSecond;
  const work = async (caller: number) => {
    for (let due = performance.now() + caller * everyMs; !isEnding; due += CALLERS * everyMs) {
      await sleep(Math.max(0, due - performance.now()));
      await add().catch((error) => void book.failures.push(String(error)));
    }
  };
  let working: Promise<void>[] = [];
  const { failures, served } = book;
  return {
    /** The calls that failed. */
    failures,
    /** How many calls were answered. */
    get count() {
      return served.length;
    },
    /** The attempts at an instance that failed, and those among them whose call began after the first of them. */
    failed: (instance: string) => book.failedAt(instance),
    /** Waits until each of these instances has answered a call that began from now on. */
    async reaches(...ids: readonly string[]) {
      const from = served.length;
      if (working.length === 0) {
        // The first call waits for the registry's first answer.
        await eventually(add);
        working = Array.from({ length: CALLERS }, (_, caller) => work(caller));
      }
      await eventually(() => {
        const missing = ids.filter((id) => !served.includes(id, from));
        if (missing.length > 0) throw new Error(`${missing.join(', ')} not called; ${failures.at(-1) ?? 'no failure'}`);
      });
    },
    /** Waits until none of a hundred calls in a row was answered by this instance. */
    async leaves(id: string) {
      const from = served.length + IN_A_ROW;
      await eventually(() => {
        if (served.length < from || served.includes(id, -IN_A_ROW)) throw new Error(`${id} is called`);
      });
    },
    async end() {
      isEnding = true;
      await Promise.all(working);
      channel.close();
    },
  };
}

/** What the calls did. */
class Book {
  readonly failures: string[] = [];
  /** The instances that have answered, in that order. */
  readonly served: string[] = [];
  readonly #failed = new Map<string, { readonly firstAt: number; attempts: number; afterTheFirst: number }>();

  readonly keep: Middleware<ClientCall> = async (call, next) => {
    const beganAt = performance.now();
    try {
      return await next(call);
    } finally {
      for (const { instance, code } of call.attempts) {
        if (code === 'OK') this.served.push(instance);
        else this.#fail(instance, beganAt);
      }
    }
  };

  failedAt(instance: string): { readonly attempts: number; readonly afterTheFirst: number } {
    return this.#failed.get(instance) ?? { attempts: 0, afterTheFirst: 0 };
  }

  #fail(instance: string, beganAt: number): void {
    const failed = this.#failed.get(instance) ?? { firstAt: performance.now(), attempts: 0, afterTheFirst: 0 };
    this.#failed.set(instance, failed);
    failed.attempts += 1;
    if (beganAt > failed.firstAt) failed.afterTheFirst += 1;
  }
}

/** Believes each list of a registry, and its silence: what it doesn't name now has left. */
function believing(resolver: Resolver): Resolver {
  return {
    source: resolver.source,
    resolve(service, listener) {
      let known: readonly string[] = [];
      const tell = (endpoints: readonly Endpoint[]) => {
        const departed = known.filter((id) => !endpoints.some(({ instanceId }) => instanceId === id));
        known = endpoints.map(({ instanceId }) => instanceId);
        listener.onResolution({ endpoints, departed });
      };
      return resolver.resolve(service, {
        onResolution: ({ endpoints }) => tell(endpoints),
        onFailure(reason) {
          tell([]);
          listener.onFailure(reason);
        },
        onPending: () => listener.onPending(),
        ...(listener.onChange && { onChange: (change) => listener.onChange?.(change) ?? (() => undefined) }),
      });
    },
    close: () => resolver.close(),
  };
}
