import type { Clock, Random } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { connectMember, type Etcd, type WatchNews } from './etcd-client.js';
import type { EtcdAddress } from './store-address.js';

/** What a client is made from. */
export interface EtcdOptions {
  readonly clock: Clock;
  readonly random: Random;
}

/** What may be a member's own trouble: another is asked from then on. */
const MEMBERS_FAULTS: readonly Status[] = [
  Status.UNAVAILABLE,
  Status.DEADLINE_EXCEEDED,
  Status.INTERNAL,
  Status.UNKNOWN,
];

/**
 * Makes a client of an etcd. It keeps to one member, whichever comes first, until that fails to answer, and goes on to
 * the next with everything, its watches too: so one that is frozen or cut off from the others costs one call its time,
 * and not each call that happens to come to it.
 */
export function connectEtcd({ endpoints, tls, credentials }: EtcdAddress, { clock, random }: EtcdOptions): Etcd {
  const members = endpoints.map((endpoint) => connectMember(endpoint, { tls, credentials, clock, random }));
  let current = Math.floor(random.next() * members.length);
  let left = new AbortController();

  function leave(member: Etcd): void {
    if (members.length === 1 || members[current] !== member) return;
    current = (current + 1) % members.length;
    left.abort();
    left = new AbortController();
  }

  function member(): Etcd {
    const chosen = members[current];
    if (chosen === undefined) throw new RpcError(Status.UNAVAILABLE, 'no member of etcd is known');
    return chosen;
  }

  async function ask<T>(work: (member: Etcd) => Promise<T>): Promise<T> {
    const asked = member();
    try {
      return await work(asked);
    } catch (error) {
      if (error instanceof RpcError && MEMBERS_FAULTS.includes(error.code)) leave(asked);
      throw error;
    }
  }

  async function* watch(...[range, startRevision, signal]: Parameters<Etcd['watch']>): AsyncGenerator<WatchNews> {
    const watched = member();
    const { signal: abandoned } = left;
    try {
      yield* watched.watch(range, startRevision, AbortSignal.any([signal, abandoned]));
    } catch (error) {
      if (abandoned.aborted) throw new RpcError(Status.UNAVAILABLE, `${watched.name} has stopped answering`);
      if (!signal.aborted) leave(watched);
      throw error;
    }
  }

  return {
    name: endpoints.join(', '),
    read: (range, options) => ask((one) => one.read(range, options)),
    commit: (...step) => ask((one) => one.commit(...step)),
    grant: (...lease) => ask((one) => one.grant(...lease)),
    keepAlive: (id) => ask((one) => one.keepAlive(id)),
    watch,
    close() {
      for (const one of members) one.close();
    },
  };
}
