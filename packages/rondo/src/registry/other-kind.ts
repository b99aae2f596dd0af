import {
  ListInstancesResponse,
  ListOperatorStatesResponse,
  ListServicesResponse,
} from '@rondo/contracts/rondo/registry/v1/registry';
import { ListRefusalsResponse } from '@rondo/contracts/rondo/xds/v1/xds';
import type { RegistryAdapter, RegistryPlugin } from '@rondo/registries';
import { Metadata } from '@rondo/rpc/call';
import type { ClientCall } from '@rondo/rpc/client';
import { systemClock, systemRandom } from '@rondo/rpc/clock';
import { maskUrl } from '@rondo/rpc/internal';
import type { Middleware } from '@rondo/rpc/middleware';
import { RpcError, Status } from '@rondo/rpc/status';
import { asUsage, UsageError } from '../errors.js';
import { messageOf } from '../workspace/errors.js';

/** What takes an instance out, by the kind of registry. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['consul', 'consul maint -enable -service=ID:SERVICE takes an instance out'],
  ['eureka', 'PUT …/apps/SERVICE/ID:SERVICE/status?value=OUT_OF_SERVICE takes an instance out'],
  ['zookeeper', 'stop an instance to take it out: it drains first'],
]);

/** The kind of registry that a URL names; undefined for addresses of Rondo's own. @throws UsageError if the tool can't list its instances. */
export function kindOf(source: string, text: string): string | undefined {
  const kind = /^(\w+):\/\//.exec(text)?.[1];
  if (kind === undefined || INSTEAD.has(kind)) return kind;
  const remedy = kind === 'kubernetes' ? 'ask kubectl get endpointslices' : `give ${[...INSTEAD.keys()].join(', ')}`;
  throw new UsageError(
    `${source} "${maskUrl(text)}": rondo can't list what is registered there; ${remedy}, or HOST:PORT`,
  );
}

/** Opens the registry of another kind that the addresses of a command name; undefined if they are of Rondo's own. */
export async function openOtherKind([url = '']: readonly string[]): Promise<RegistryAdapter | undefined> {
  if (!url.includes('://')) return undefined;
  const kind = (await registryPlugins()).find(({ schemes }) => schemes.some((scheme) => url.startsWith(`${scheme}:`)));
  const open = await kind?.load();
  const options = { ttlMs: TTL_MS, clock: systemClock, random: systemRandom };
  return asUsage(
    () => open?.(url, options).adapter,
    (reason) => `RONDO_REGISTRY: ${reason}`,
  );
}

/** Loaded on demand: most commands ask Rondo's own registry. */
async function registryPlugins(): Promise<readonly RegistryPlugin[]> {
  const [{ consul }, { eureka }, { zookeeper }] = await Promise.all([
    import('@rondo/registry-consul'),
    import('@rondo/registry-eureka'),
    import('@rondo/registry-zookeeper'),
  ]);
  return [consul, eureka, zookeeper];
}

/** A session's, which registers nothing. */
const TTL_MS = 10_000;
const ANSWER_MS = 5_000;

/** Answers what a registry of another kind knows in place of Rondo's: its instances. */
export const answerBy =
  (adapter: RegistryAdapter): Middleware<ClientCall> =>
  async ({ method, signal }) => {
    const reply = (message: object) => ({
      header: new Metadata(),
      trailer: new Metadata(),
      response: { stream: false, message } as const,
    });
    if (method.name === 'ListServices') return reply(ListServicesResponse.fromPartial({}));
    if (method.name === 'ListOperatorStates') return reply(ListOperatorStatesResponse.fromPartial({}));
    // It has no xDS clients.
    if (method.name === 'ListRefusals') return reply(ListRefusalsResponse.fromPartial({}));
    if (method.name === 'ListInstances') return reply(await list(adapter, signal));
    const { address } = adapter;
    const instead = INSTEAD.get(address.split(':')[0] ?? '');
    const text = `the registry at ${address} lists instances, and has no ${method.name}; ${instead}; a service's variables are its settings`;
    throw new RpcError(Status.FAILED_PRECONDITION, text);
  };

async function list(adapter: RegistryAdapter, signal: AbortSignal): Promise<ListInstancesResponse> {
  try {
    const within = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
    for await (const instances of adapter.watch('', within)) {
      if (instances === undefined) continue;
      // Such a registry has no times of its own: when an instance started is in the entry, if its writer says so.
      const dated = instances.map((one) =>
        one.incarnation === 0n ? one : { ...one, registerTime: new Date(Number(one.incarnation)) },
      );
      return ListInstancesResponse.fromPartial({ instances: dated });
    }
    throw new Error(`no answer within ${ANSWER_MS} ms`);
  } catch (error) {
    throw new RpcError(Status.UNAVAILABLE, messageOf(error), { cause: error });
  }
}
