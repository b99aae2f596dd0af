import { BlockList, isIPv6 } from 'node:net';
import { type Instance, WatchResponse } from '@rondo/contracts/rondo/registry/v1/registry';
import type { Resolver } from '@rondo/rpc/client';
import { registryResolver } from '@rondo/rpc/internal';
import type { RegistryAdapter } from './adapter.js';
import { checkTaken, createPace } from './bounds.js';
import { takenBy, textsOf } from './entries.js';

/** Options of {@link adapterResolver}. */
export type AdapterResolverOptions = Omit<Parameters<typeof registryResolver>[0], 'watch' | 'addresses'>;

/**
 * A resolver over a registry of another kind. It goes on with what it knew while the registry is away, slow or has lost its instances,
 * exactly as over Rondo's own registry: a missing instance is kept for as long as its connection stands.
 */
export function adapterResolver(adapter: RegistryAdapter, options: AdapterResolverOptions): Resolver {
  // An adapter has no history to resume from. A growing revision makes each list newer than the one before.
  let revision = 0n;
  /** How many instances the last list of each service had that were left out. */
  const refusedBefore = new Map<string, number>();
  /** What the last list of each service takes, while it is watched. */
  const kept = new Map<string, number>();
  return registryResolver({
    ...options,
    addresses: [adapter.address],
    async *watch({ service = '' }, { signal }) {
      const pace = createPace(LISTS_A_SECOND, options.clock);
      signal.addEventListener('abort', () => kept.delete(service), { once: true });
      for await (const listed of adapter.watch(service, signal)) {
        revision += 1n;
        const position = { epoch: 1n, revision };
        if (listed === undefined) yield WatchResponse.fromPartial({ position, event: PROGRESS });
        else {
          const instances = listed.filter(isCallable).map(undated);
          const refused = listed.length - instances.length;
          if (refused > (refusedBefore.get(service) ?? 0))
            options.logger?.warn({ service, registry: adapter.address, refused }, REFUSED);
          refusedBefore.set(service, refused);
          const others = [...kept].filter(([other]) => other !== service);
          const taken = takenBy(instances);
          checkTaken(others.reduce((sum, [, bytes]) => sum + bytes, taken));
          kept.set(service, taken);
          yield WatchResponse.fromPartial({
            position,
            event: { $case: 'snapshot', value: { instances, more: false } },
          });
        }
        await pace(signal);
      }
    },
  });
}

const PROGRESS = { $case: 'progress', value: {} } as const;
const REFUSED =
  'some instances are left out: a field has a control character, or an address is link-local or a socket of this machine';

const LISTS_A_SECOND = 10;
/** Rondo's registry sets these times itself; here they would be what the writer of an entry says. */
const undated = (instance: Instance): Instance => ({ ...instance, registerTime: undefined, serviceTimes: {} });

/** Rondo's registry refuses control characters; logs and terminals must not get them from another one. */
function isCallable(instance: Instance): boolean {
  const isPlain = textsOf(instance).every((text) => !/\p{Cc}/u.test(text));
  return isPlain && instance.endpoints.every(({ address }) => isElsewhere(address));
}

const LINK_LOCAL = new BlockList();
LINK_LOCAL.addSubnet('169.254.0.0', 16);
LINK_LOCAL.addSubnet('fe80::', 10, 'ipv6');
LINK_LOCAL.addAddress('fd00:ec2::254', 'ipv6');

/** No program that writes to the registry may have clients call their machine's sockets, or the cloud's address that gives credentials. */
function isElsewhere(address: string): boolean {
  // It reads a host as the system's resolver does: 2852039166 is an IPv4 address.
  const url = `http://${address}`;
  if (address.startsWith('unix:') || !URL.canParse(url)) return false;
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  return !LINK_LOCAL.check(host, isIPv6(host) ? 'ipv6' : 'ipv4');
}
