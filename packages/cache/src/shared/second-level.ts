import { createHash } from 'node:crypto';
import type { Meter } from '@opentelemetry/api';
import type { ClientCall } from '@rondo/rpc/client';
import type { Clock, WallClock } from '@rondo/rpc/clock';
import { isForwarded, type Method } from '@rondo/rpc/internal';
import type { Landed } from '../flight.js';
import type { Kept } from '../memory.js';
import type { MethodState } from '../methods.js';
import type { SharedStore } from './shared-store.js';
import { readAnswer, writeAnswer } from './value.js';

/** The answers that replicas of one service share. */
export interface SharedOptions {
  readonly store: SharedStore;
  /**
   * The fingerprint of the contract by which this process calls a service; undefined if it isn't known. In that
   * case nothing is shared, because another process may decode the bytes by another contract.
   */
  readonly fingerprintOf: (service: string) => string | undefined;
  /** The name of the calling service. A service may give other callers other answers. */
  readonly caller: string;
  readonly wallClock: WallClock;
}

/** Which answer is looked for. */
interface Wanted {
  readonly call: ClientCall;
  /** The key of the request in its method. */
  readonly rest: string;
  readonly state: MethodState;
}

export interface SecondLevel {
  /** The answer from the store; without one, that of `request`, which is then stored. Rejects as `request` does. */
  fetch(wanted: Wanted, request: () => Promise<Landed>): Promise<Landed>;
  /** Removes a stored answer. */
  remove(method: Method, rest: string, state: MethodState): void;
}

/** A larger answer stays in its process. */
const MAX_SHARED_BYTES = 1024 * 1024;

/** Puts `store` behind the memory of a process. */
export function createSecondLevel(
  { store, fingerprintOf, caller, wallClock }: SharedOptions,
  { clock, meter }: { readonly clock: Clock; readonly meter: Meter },
): SecondLevel {
  const lookups = meter.createCounter('rondo.cache.shared.lookups', {
    unit: '{answer}',
    description:
      'Answers that were looked for in the shared store, by method and result: hit, miss, none (the store is away, or another replica gets the answer), invalid.',
  });
  const count = (result: 'hit' | 'miss' | 'none' | 'invalid', { path }: Method) =>
    lookups.add(1, { 'rpc.method': path.slice(1), 'rondo.cache.result': result });
  const keyOf = ({ service, path }: Method, rest: string): string | undefined => {
    const fingerprint = fingerprintOf(path.slice(1, path.lastIndexOf('/')));
    if (fingerprint === undefined) return undefined;
    const request = createHash('sha256').update(`${service}\0${path}\0`).update(rest, 'latin1').digest('base64url');
    return `rondo:cache:${caller}:${fingerprint}:${request}`;
  };

  /** The answer, with times of this process's clock; undefined if it is none, too old, or newer than it can be. */
  const open = (key: string, value: Uint8Array, { method }: ClientCall): Kept | undefined => {
    const { ttlMs = 0, staleMs = 0 } = method.policy.cache ?? {};
    const answer = readAnswer(key, value);
    const leftMs = answer === undefined ? 0 : answer.freshUntil - wallClock.now().getTime();
    if (answer === undefined || !(leftMs > 0 && leftMs <= ttlMs) || !decodes(method, answer.bytes)) return undefined;
    const freshUntil = clock.now() + leftMs;
    return { bytes: new Uint8Array(answer.bytes), freshUntil, staleUntil: freshUntil + staleMs };
  };

  const fill = (key: string, lease: string, { bytes, freshUntil }: Kept): void => {
    const leftMs = freshUntil - clock.now();
    if (leftMs < 1 || bytes.length > MAX_SHARED_BYTES) return;
    const value = writeAnswer(key, { bytes, freshUntil: wallClock.now().getTime() + leftMs });
    store.fill(key, { lease, value, ttlMs: leftMs });
  };

  return {
    async fetch({ call, rest, state }, request) {
      // A reply that is passed on encoded follows the contract of the instance that sent it.
      const known = isForwarded(call) || clock.now() < state.distrustedUntil ? undefined : keyOf(call.method, rest);
      if (known === undefined) return request();
      const taken = await store.take(known);
      const kept = taken.kind === 'found' ? open(known, taken.value, call) : undefined;
      if (kept !== undefined) {
        count('hit', call.method);
        return { kept, reply: undefined };
      }
      count(taken.kind === 'found' ? 'invalid' : taken.kind === 'lease' ? 'miss' : 'none', call.method);
      if (taken.kind === 'found') void store.remove(known);
      const landed = await request();
      if (taken.kind === 'lease') fill(known, taken.lease, landed.kept);
      return landed;
    },
    remove(method, rest, state) {
      const key = keyOf(method, rest);
      if (key === undefined) return;
      store.remove(key).then(
        (removed) => {
          if (!removed) state.distrust();
        },
        () => state.distrust(),
      );
    },
  };
}

function decodes({ responseType }: Method, bytes: Uint8Array): boolean {
  try {
    responseType.decode(bytes);
    return true;
  } catch {
    return false;
  }
}
