import type { Random } from '../clock/index.js';
import type { Endpoint, Resolver, Resolving } from '../resolver/index.js';
import { positionAmong, positionOf } from './subset.js';

/** The instance that a channel's process is, of a service that it serves. */
export interface Self {
  readonly service: string;
  readonly instanceId: string;
}

/** What a position is found with. */
interface PositionOptions {
  readonly resolver: Resolver;
  /** Undefined where the process is no instance of any service: then its position is a random one, and stays. */
  readonly self: Self | Promise<Self | undefined> | undefined;
  readonly random: Random;
  readonly zone: string;
  /** Told when it has changed. */
  readonly onChange: () => void;
}

/** Where a client stands among its like: what it goes by where it uses a part of a service's instances. */
export interface Position {
  /** In [0, 1): among the instances of its own service, or those of them in its own zone. */
  of(scope: 'all' | 'zone'): number;
  close(): void;
}

/** Follows the process's own service, for its place among all that do the same. */
export function followPosition({ resolver, self, random, zone, onChange }: PositionOptions): Position {
  const unknown = positionOf(random.hex(8));
  let instanceId = '';
  let peers: readonly Endpoint[] | undefined;
  let resolving: Resolving | undefined;
  let closed = false;

  function onResolution({ endpoints }: { readonly endpoints: readonly Endpoint[] }): void {
    const news = peers === undefined || key(endpoints) !== key(peers);
    peers = endpoints;
    if (news) onChange();
  }

  async function follow(): Promise<void> {
    const known = await self;
    if (known === undefined || closed) return;
    ({ instanceId } = known);
    resolving = resolver.resolve(known.service, { onResolution, onFailure() {}, onPending() {} });
  }

  void follow();
  return {
    of(scope) {
      if (peers === undefined) return unknown;
      const like = scope === 'all' ? peers : peers.filter((peer) => peer.zone === zone);
      const ids = like.map((peer) => peer.instanceId);
      return positionAmong(instanceId, ids);
    },
    close() {
      closed = true;
      resolving?.close();
    },
  };
}

/** What a position depends on. */
function key(peers: readonly Endpoint[]): string {
  return peers.map(({ instanceId, zone }) => `${instanceId} ${zone}`).join('\n');
}
