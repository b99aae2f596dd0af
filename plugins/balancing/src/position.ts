import type { Endpoint, Resolver } from '@rondo/rpc/client';
import { POLICIES } from '@rondo/rpc/internal';
import type { Subsets, SubsetsOptions } from './channel-types.js';
import { positionAmong, positionOf, SubsetWindow } from './subset.js';

/** The subsets of a channel. The first one begins to watch the client's position among its peers. */
export function openSubsets(options: SubsetsOptions): Subsets {
  const listeners = new Set<() => void>();
  const onChange = () => {
    for (const listener of listeners) listener();
  };
  const position = followPosition({ ...options, onChange });
  return {
    open({ policy, subsetSize: size = Number.POSITIVE_INFINITY }, onMove) {
      listeners.add(onMove);
      const zone = POLICIES[policy].affinity === 'zone' ? options.zone : '';
      return new SubsetWindow({ size, zone, position: () => position.of(zone === '' ? 'all' : 'zone') });
    },
    close: () => position.close(),
  };
}

/** Options of {@link followPosition}. A process that is no service instance has a random position, which doesn't change. */
interface PositionOptions extends SubsetsOptions {
  /** Called when the position has changed. */
  readonly onChange: () => void;
}

/** A client's position among its peers. It decides the client's subset of a large service. */
export interface Position {
  /** The position in [0, 1) among all instances of the client's own service, or among those in its zone. */
  of(scope: 'all' | 'zone'): number;
  close(): void;
}

/** Watches the process's own service to find its position among its peers. */
export function followPosition({ resolver, self, random, zone, onChange }: PositionOptions): Position {
  const unknown = positionOf(random.hex(8));
  let instanceId = '';
  let peers: readonly Endpoint[] | undefined;
  let resolving: ReturnType<Resolver['resolve']> | undefined;
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

/** The parts of the peers that a position depends on. */
function key(peers: readonly Endpoint[]): string {
  return peers.map(({ instanceId, zone }) => `${instanceId} ${zone}`).join('\n');
}
