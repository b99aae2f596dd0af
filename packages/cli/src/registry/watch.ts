import { type Clock, sleep } from '@rondo/rpc/clock';
import { RpcError } from '@rondo/rpc/status';
import { type Change, WatchedState } from './watched-state.js';
import { connect, explainRegistryError, type RegistryConnection, listOperatorStates } from './connection.js';

/** How the registry is followed. */
interface WatchOptions {
  /** A fully qualified service; empty for all. */
  readonly service: string;
  readonly clock: Clock;
  /** Ends the following. */
  readonly signal: AbortSignal;
}

/** A change; of a registry that can't be reached, why; of one that is left or come to, where it is. */
export type WatchedChange = Change & {
  readonly error?: RpcError;
  readonly address?: string;
  /** Why an operator has cordoned the instance, where that is known. */
  readonly cordonReason?: string;
};

const MIN_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 2_000;
const REASON_TIMEOUT_MS = 1_000;

/**
 * Follows the registry until `signal` aborts: first the present state, then each change. Where the watch breaks it is
 * resumed, at the next address where there are several, and told of once.
 */
export async function* watchRegistry(addresses: readonly string[], options: WatchOptions): AsyncGenerator<WatchedChange> {
  const { clock, signal } = options;
  const state = new WatchedState();
  /** Where it was followed last. */
  let followed: string | undefined;
  let lost = false;
  let failures = 0;
  for (let turn = 0; !signal.aborted; turn += 1) {
    const address = addresses[turn % addresses.length] ?? '';
    let failure: RpcError | undefined;
    let reached = false;
    try {
      for await (const change of watchOne(address, state, options)) {
        if (!reached && followed !== undefined && followed !== address) yield { type: 'moved', address };
        else if (!reached && lost) yield { type: 'back', address };
        [reached, lost, failures, followed] = [true, false, 0, address];
        yield* change;
      }
    } catch (error) {
      if (signal.aborted) return;
      failure = passing(error, addresses);
    }
    failures += 1;
    const round = failures % addresses.length === 0;
    // At the beginning, what one address doesn't answer another may.
    if (!lost && (followed !== undefined || round)) {
      yield { type: 'lost', address, ...(failure !== undefined && { error: failure }) };
      lost = true;
    }
    if (round) await pause(MIN_BACKOFF_MS * 2 ** (failures / addresses.length - 1), clock, signal);
  }
}

/** The changes of each event, until the watch at one address breaks. */
async function* watchOne(
  address: string,
  state: WatchedState,
  { service, signal }: WatchOptions,
): AsyncGenerator<readonly WatchedChange[]> {
  const registry = connect([address]);
  state.forgetParts();
  try {
    const resumeFrom = state.position;
    const request = resumeFrom === undefined ? { service } : { service, resumeFrom };
    for await (const event of registry.client.watch(request, { signal })) {
      yield await withReasons(state.apply(event), registry, signal);
    }
  } finally {
    registry.close();
  }
}

/** The watch says that an instance is cordoned; why stands elsewhere, and is left out where it can't be had. */
async function withReasons(
  changes: readonly Change[],
  registry: RegistryConnection,
  signal: AbortSignal,
): Promise<readonly WatchedChange[]> {
  const isCordoned = (change: Change) => 'instance' in change && change.instance.operatorState === 'CORDONED';
  if (!changes.some(isCordoned)) return changes;
  const marks = await listOperatorStates(registry, { signal, timeoutMs: REASON_TIMEOUT_MS }).catch(() => undefined);
  return changes.map((change) => {
    const reason = 'instance' in change ? marks?.get(change.instance.instanceId)?.reason : undefined;
    return reason === undefined || reason === '' || !isCordoned(change) ? change : { ...change, cordonReason: reason };
  });
}

const PASSING: ReadonlySet<string> = new Set(['UNAVAILABLE', 'CANCELLED', 'INTERNAL', 'RESOURCE_EXHAUSTED', 'UNKNOWN']);

/** What isn't the registry's being away is its answer: asking again would get the same. */
function passing(error: unknown, addresses: readonly string[]): RpcError {
  if (!(error instanceof RpcError) || !PASSING.has(error.codeName)) throw explainRegistryError(addresses, error);
  return error;
}

async function pause(delayMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  try {
    await sleep(clock, Math.min(MAX_BACKOFF_MS, delayMs), signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
