import type { Event } from '@rondo/contracts/etcd-v3/etcd/mvcc/mvccpb/kv';
import {
  AuthDefinition,
  KVDefinition,
  LeaseDefinition,
  type RangeResponse,
  WatchDefinition,
} from '@rondo/contracts/etcd-v3/rpc';
import { type Client, createChannel, createClient } from '@rondo/rpc/client';
import type { Clock, Random } from '@rondo/rpc/clock';
import { staticResolver } from '@rondo/rpc/resolver';
import { authenticate } from './authenticate.js';
import type { KeyRange } from './keys.js';
import type { EtcdAddress } from './store-address.js';
import type { Condition, Operation } from './transaction.js';

/** A key with its value, as etcd has it. */
export interface KeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
  /** Since when it is there. */
  readonly createRevision: bigint;
  /** Of its last change. */
  readonly modRevision: bigint;
}

/** What a read gives. */
export interface Read {
  readonly revision: bigint;
  readonly clusterId: bigint;
  readonly pairs: readonly KeyValue[];
  /** Whether there are others behind the last of them. */
  readonly more: boolean;
}

/** What came of a transaction. */
export interface Committed {
  /** Whether its conditions held. */
  readonly succeeded: boolean;
  readonly revision: bigint;
  /** What the reads among its steps found, one a read; undefined for a key that isn't there. */
  readonly reads: readonly (KeyValue | undefined)[];
}

/** One change of a key; one without a value has gone. */
export interface KeyEvent {
  readonly key: Buffer;
  readonly value: Buffer | undefined;
  readonly revision: bigint;
  /** Since when it is there. */
  readonly createRevision: bigint;
}

/** What etcd says on a watch. */
export type WatchNews =
  | { readonly kind: 'created' }
  | { readonly kind: 'events'; readonly events: readonly KeyEvent[] }
  /** What it would begin with is forgotten. */
  | { readonly kind: 'compacted' }
  | { readonly kind: 'canceled'; readonly reason: string };

/** An etcd, or one member of it. Calls fail with an `RpcError`, and each within a second. */
export interface Etcd {
  /** Its endpoints, for messages. */
  readonly name: string;
  /** The keys of a range, in their order; of a past revision where one is given. */
  read(range: KeyRange, options?: { readonly limit?: number; readonly revision?: bigint }): Promise<Read>;
  commit(
    conditions: readonly Condition[],
    steps: readonly Operation[],
    otherwise?: readonly Operation[],
  ): Promise<Committed>;
  /** Grants a lease under an id that is the caller's to choose. etcd counts whole seconds: it may live a little longer. */
  grant(id: bigint, ttlMs: number): Promise<void>;
  /** Lets a lease live for another TTL; false where it is gone. */
  keepAlive(id: bigint): Promise<boolean>;
  /** Follows a range from a revision on, until `signal` aborts. It has no deadline. */
  watch(range: KeyRange, startRevision: bigint, signal: AbortSignal): AsyncIterable<WatchNews>;
  close(): void;
}

/** What a client of a member is made from. */
export interface MemberOptions extends Pick<EtcdAddress, 'tls' | 'credentials'> {
  readonly clock: Clock;
  readonly random: Random;
}

/** Of one try: a member that is frozen costs no more, and another is asked. */
const CALL_TIMEOUT_MS = 700;
/** A watch that catches up is told up to a thousand revisions in one message. */
const MAX_REPLY_BYTES = 64 * 1024 * 1024;
/** A member that has lost its leader says so, instead of going on with what it knows. */
const REQUIRE_LEADER = { hasleader: 'true' };
const CALL = { timeoutMs: CALL_TIMEOUT_MS };

/** Makes a client of one member. It connects when it is first needed. */
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
    watch: (range, startRevision, signal) => news(watch, { range, startRevision, signal, onCanceled: auth?.renew }),
    close: () => channel.close(),
  };
}

function toRead({ header, kvs: pairs, more }: RangeResponse): Read {
  return { revision: header?.revision ?? 0n, clusterId: header?.clusterId ?? 0n, pairs, more };
}

/** A stream for each: renewals don't wait for each other, and one that breaks off concerns no other. */
async function keepAlive({ leaseKeepAlive }: Client<typeof LeaseDefinition>, id: bigint): Promise<boolean> {
  const requests = (async function* () {
    yield { ID: id };
  })();
  for await (const { TTL: ttlSeconds } of leaseKeepAlive(requests, CALL)) return ttlSeconds > 0n;
  return false;
}

interface NewsOptions {
  readonly range: KeyRange;
  readonly startRevision: bigint;
  readonly signal: AbortSignal;
  /** A watch isn't told that its token has run out: it is canceled. */
  readonly onCanceled: (() => void) | undefined;
}

async function* news(
  watch: Client<typeof WatchDefinition>['watch'],
  { range, startRevision, signal, onCanceled }: NewsOptions,
): AsyncGenerator<WatchNews> {
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

/** The one request of a watch; the stream of requests stays open as long as the watch does. */
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
