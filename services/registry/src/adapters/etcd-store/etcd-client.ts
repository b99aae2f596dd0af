import type { Event } from '@rondo/contracts/etcd-v3/etcd/mvcc/mvccpb/kv';
import {
  AuthDefinition,
  type Compare,
  KVDefinition,
  LeaseDefinition,
  type RangeResponse,
  RequestOp,
  Compare_CompareResult as Result,
  Compare_CompareTarget as Target,
  WatchDefinition,
} from '@rondo/contracts/etcd-v3/rpc';
import { type ChannelOptions, type Client, createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import type { Clock, Random } from '@rondo/rpc/clock';
import { authenticate, type EtcdCredentials } from './authenticate.js';
import type { KeyRange } from './keys.js';

/** The address of an etcd, with what a connection needs. */
export interface EtcdAddress {
  /** The `host:port` of each member that may be used. */
  readonly endpoints: readonly string[];
  /** The prefix of all keys: several registries may share an etcd. */
  readonly prefix: string;
  /** Undefined for plaintext. */
  readonly tls?: ChannelOptions['tls'];
  readonly credentials?: EtcdCredentials | undefined;
}

export interface KeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
  /** The revision at which the key was created. */
  readonly createRevision: bigint;
  /** The revision of its last change. */
  readonly modRevision: bigint;
}

/** The result of a read. */
interface Read {
  readonly revision: bigint;
  readonly clusterId: bigint;
  readonly pairs: readonly KeyValue[];
  /** Whether more keys follow in the range. */
  readonly more: boolean;
}

/** The result of a transaction. */
export interface Committed {
  /** Whether the conditions held. */
  readonly succeeded: boolean;
  readonly revision: bigint;
  /** The results of the reads among its steps, one for each; undefined for a key that doesn't exist. */
  readonly reads: readonly (KeyValue | undefined)[];
}

/** A change of a key. A key without a value was deleted. */
export interface KeyEvent {
  readonly key: Buffer;
  readonly value: Buffer | undefined;
  readonly revision: bigint;
  /** The revision at which the key was created. */
  readonly createRevision: bigint;
}

/** An event of an etcd watch. */
export type KeyWatchEvent =
  | { readonly kind: 'created' }
  | { readonly kind: 'events'; readonly events: readonly KeyEvent[] }
  /** The revision to start from has been compacted. */
  | { readonly kind: 'compacted' }
  | { readonly kind: 'canceled'; readonly reason: string };

/** A condition of a transaction. */
export type Condition = Compare;
/** A step of a transaction. */
export type Operation = RequestOp;

/** Holds if the key is unchanged since `modRevision`; 0 means that the key doesn't exist. */
export function unchanged(key: Buffer, modRevision: bigint): Condition {
  const targetUnion = { $case: 'modRevision', value: modRevision } as const;
  return { key, result: Result.EQUAL, target: Target.MOD, targetUnion, rangeEnd: Buffer.alloc(0) };
}

export function put(key: Buffer, value: Buffer, lease = 0n): Operation {
  return RequestOp.fromPartial({ request: { $case: 'requestPut', value: { key, value, lease } } });
}

export function get(key: Buffer): Operation {
  return RequestOp.fromPartial({ request: { $case: 'requestRange', value: { key } } });
}

export function remove(key: Buffer): Operation {
  return RequestOp.fromPartial({ request: { $case: 'requestDeleteRange', value: { key } } });
}

/** An etcd cluster, or one member of it. Calls fail with an `RpcError`, each within a second. */
export interface Etcd {
  /** Its endpoints, for error messages. */
  readonly name: string;
  /** Reads the keys of a range in ascending order, at `revision` if one is given. */
  read(range: KeyRange, options?: { readonly limit?: number; readonly revision?: bigint }): Promise<Read>;
  commit(
    conditions: readonly Condition[],
    steps: readonly Operation[],
    otherwise?: readonly Operation[],
  ): Promise<Committed>;
  /**
   * Grants a lease with an id that the caller chooses. etcd counts whole seconds, so the lease may live a little
   * longer.
   */
  grant(id: bigint, ttlMs: number): Promise<void>;
  /** Renews a lease for another TTL. Resolves to false if the lease no longer exists. */
  keepAlive(id: bigint): Promise<boolean>;
  /** Watches a range from a revision on until `signal` aborts. A watch has no deadline. */
  watch(range: KeyRange, startRevision: bigint, signal: AbortSignal): AsyncIterable<KeyWatchEvent>;
  close(): void;
}

/** The options of {@link connectMember}. */
interface MemberOptions extends Pick<EtcdAddress, 'tls' | 'credentials'> {
  readonly clock: Clock;
  readonly random: Random;
}

/** The timeout of one try. A frozen member costs no more than this before another member is tried. */
const CALL_TIMEOUT_MS = 700;
/** A watch that catches up gets up to a thousand revisions in one message. */
const MAX_REPLY_BYTES = 64 * 1024 * 1024;
/** With this metadata a member that has lost its leader reports an error, instead of serving what it knows. */
const REQUIRE_LEADER = { hasleader: 'true' };
const CALL = { timeoutMs: CALL_TIMEOUT_MS };

/** Creates a client of one member. It connects on first use. */
export function connectMember(endpoint: string, options: MemberOptions): Etcd {
  const { tls, credentials, clock, random } = options;
  const channel = createChannel({
    resolver: staticResolver([endpoint]),
    tls,
    maxReplyBytes: MAX_REPLY_BYTES,
    clock,
    random,
  });
  const auth = credentials && authenticate(credentials, createClient(AuthDefinition, { channel }));
  const chain = { channel, middleware: auth === undefined ? [] : [auth.middleware] };
  const kv = createClient(KVDefinition, chain);
  const lease = createClient(LeaseDefinition, chain);
  const { watch } = createClient(WatchDefinition, chain);
  return {
    name: endpoint,
    async read({ key, rangeEnd }, { limit = 0, revision = 0n } = {}) {
      return toRead(await kv.range({ key, rangeEnd, limit: BigInt(limit), revision }, CALL));
    },
    async commit(compare, success, failure = []) {
      const request = { compare: [...compare], success: [...success], failure: [...failure] };
      const { succeeded, header, responses } = await kv.txn(request, CALL);
      const reads = responses.flatMap(({ response }) => {
        return response?.$case === 'responseRange' ? [response.value.kvs[0]] : [];
      });
      return { succeeded, revision: header?.revision ?? 0n, reads };
    },
    async grant(id, ttlMs) {
      await lease.leaseGrant({ ID: id, TTL: BigInt(Math.ceil(ttlMs / 1000)) }, CALL);
    },
    keepAlive: (id) => keepAlive(lease, id),
    watch: (range, startRevision, signal) =>
      keyWatchEvents(watch, { range, startRevision, signal, onCanceled: auth?.renew }),
    close: () => channel.close(),
  };
}

function toRead({ header, kvs: pairs, more }: RangeResponse): Read {
  return { revision: header?.revision ?? 0n, clusterId: header?.clusterId ?? 0n, pairs, more };
}

/** Opens one stream for each renewal: renewals don't wait for each other, and a broken stream fails only one. */
async function keepAlive({ leaseKeepAlive }: Client<typeof LeaseDefinition>, id: bigint): Promise<boolean> {
  const requests = (async function* () {
    yield { ID: id };
  })();
  for await (const { TTL: ttlSeconds } of leaseKeepAlive(requests, CALL)) return ttlSeconds > 0n;
  return false;
}

interface KeyWatchEventOptions {
  readonly range: KeyRange;
  readonly startRevision: bigint;
  readonly signal: AbortSignal;
  /** Called when etcd cancels the watch. etcd doesn't report an expired token on a watch: it cancels the watch. */
  readonly onCanceled: (() => void) | undefined;
}

async function* keyWatchEvents(
  watch: Client<typeof WatchDefinition>['watch'],
  { range, startRevision, signal, onCanceled }: KeyWatchEventOptions,
): AsyncGenerator<KeyWatchEvent> {
  const create = { ...range, startRevision };
  for await (const reply of watch(openRequests(create, signal), { signal, metadata: REQUIRE_LEADER })) {
    const { created, canceled, compactRevision, cancelReason, events } = reply;
    if (compactRevision > 0n) yield { kind: 'compacted' };
    else if (canceled) {
      onCanceled?.();
      yield { kind: 'canceled', reason: cancelReason };
    } else if (created) yield { kind: 'created' };
    else if (events.length > 0) yield { kind: 'events', events: events.flatMap(toKeyEvent) };
  }
}

/** The only request of a watch. The request stream stays open as long as the watch. */
async function* openRequests(
  create: KeyRange & { readonly startRevision: bigint },
  signal: AbortSignal,
): AsyncGenerator<{ readonly requestUnion: { readonly $case: 'createRequest'; readonly value: typeof create } }> {
  yield { requestUnion: { $case: 'createRequest', value: create } };
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function toKeyEvent({ type, kv }: Event): readonly KeyEvent[] {
  if (kv === undefined) return [];
  const { key, value, modRevision: revision, createRevision } = kv;
  return [{ key, value: type === 0 ? value : undefined, revision, createRevision }];
}
