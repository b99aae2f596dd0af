import type { Clock, Random } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { connectMember, type Etcd, type EtcdAddress, type KeyWatchEvent } from './etcd-client.js';

/** The options of {@link connectEtcd}. */
export interface EtcdOptions {
  readonly clock: Clock;
  readonly random: Random;
}

/** Statuses that may be the fault of a single member: the client then moves to another member. */
const MEMBERS_FAULTS: readonly Status[] = [
  Status.UNAVAILABLE,
  Status.DEADLINE_EXCEEDED,
  Status.INTERNAL,
  Status.UNKNOWN,
];

/**
 * Creates a client of an etcd cluster. The client uses one random member until that fails to answer, then moves to the
 * next with everything, including its watches. So a member that is frozen or cut off delays one call, and not every
 * call that happens to reach it.
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
    // biome-ignore lint/plugin: callers get StoreUnreachable.
    if (chosen === undefined) throw new RpcError(Status.UNAVAILABLE, 'no etcd member is configured');
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

  async function* watch(...[range, startRevision, signal]: Parameters<Etcd['watch']>): AsyncGenerator<KeyWatchEvent> {
    const watched = member();
    const { signal: abandoned } = left;
    try {
      yield* watched.watch(range, startRevision, AbortSignal.any([signal, abandoned]));
    } catch (error) {
      // biome-ignore lint/plugin: callers get StoreUnreachable.
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
