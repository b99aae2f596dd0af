import { setTimeout as sleep } from 'node:timers/promises';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { eventually } from '@rondo/harness';
import { adapterResolver, type RegistryAdapter } from '@rondo/registries';
import { createChannel, createClient, type Resolver } from '@rondo/rpc/client';
import { systemClock as clock, systemRandom as random } from '@rondo/rpc/clock';

/** Calls that go on until they are ended. */
export interface Load {
  readonly failures: readonly string[];
  readonly count: number;
  /** Waits until each of these instances has answered a call that began from now on. */
  reaches(...ids: readonly string[]): Promise<void>;
  end(): Promise<void>;
}

/** Makes some 300 calls a second over a registry, from this process. `guarded`: as every client; otherwise what isn't listed is dropped. */
export function startLoad(adapter: RegistryAdapter, { guarded }: { readonly guarded: boolean }): Load {
  const resolver = adapterResolver(adapter, { clock, random });
  const channel = createChannel({ resolver: guarded ? resolver : dropUnlisted(resolver), healthCheck: true });
  const client = createClient(CalculatorServiceDefinition, { channel });
  const failures: string[] = [];
  const served: string[] = [];
  let ending = false;
  const loop = async () => {
    while (!ending) {
      const onTrailer = (trailer: { get(key: string): unknown }) =>
        void served.push(String(trailer.get('rondo-served-by')));
      await client.add({ a: 2n, b: 3n }, { onTrailer }).catch((error) => void failures.push(String(error)));
      await sleep(30);
    }
  };
  let loops: Promise<void>[] = [];
  const load: Load = {
    failures,
    get count() {
      return served.length;
    },
    async reaches(...ids) {
      const from = served.length;
      if (loops.length === 0) {
        // The first call waits for the registry's first answer.
        await eventually(() => client.add({ a: 2n, b: 3n }));
        loops = Array.from({ length: 10 }, loop);
      }
      await eventually(() => {
        const missing = ids.filter((id) => !served.slice(from).includes(id));
        if (missing.length > 0) throw new Error(`${missing.join(', ')} not called; ${failures.at(-1) ?? 'no failure'}`);
      });
    },
    async end() {
      ending = true;
      await Promise.all(loops);
      channel.close();
    },
  };
  return load;
}

/** Believes each list of a registry: what it doesn't name any more has left. */
function dropUnlisted(resolver: Resolver): Resolver {
  return {
    source: resolver.source,
    resolve(service, listener) {
      let known: readonly string[] = [];
      return resolver.resolve(service, {
        onResolution({ endpoints }) {
          const departed = known.filter((id) => !endpoints.some(({ instanceId }) => instanceId === id));
          known = endpoints.map(({ instanceId }) => instanceId);
          listener.onResolution({ endpoints, departed });
        },
        onFailure: (reason) => listener.onFailure(reason),
        onPending: () => listener.onPending(),
        ...(listener.onChange && { onChange: (change) => listener.onChange?.(change) ?? (() => undefined) }),
      });
    },
    close: () => resolver.close(),
  };
}
