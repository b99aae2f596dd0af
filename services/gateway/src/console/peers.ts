import type { Channel, Endpoint } from '@rondo/rpc/client';

/** A connection to one instance, until it is released. */
interface Peer {
  readonly channel: Channel;
  release(): void;
}

/** Connections to single instances. Users of the same instance share one. */
export function createPeers(channel: Pick<Channel, 'direct'>): { take(endpoint: Endpoint): Peer } {
  const open = new Map<string, { readonly direct: Channel; users: number }>();
  return {
    take(endpoint) {
      const key = `${endpoint.address} ${endpoint.secure}`;
      const peer = open.get(key) ?? { direct: channel.direct([endpoint]), users: 0 };
      open.set(key, peer);
      peer.users += 1;
      return {
        channel: peer.direct,
        release() {
          peer.users -= 1;
          if (peer.users > 0) return;
          open.delete(key);
          peer.direct.close();
        },
      };
    },
  };
}
