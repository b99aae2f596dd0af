import { type Clock, sleep, systemRandom } from '@rondo/rpc/clock';
import { backoffMs } from '@rondo/rpc/internal';
import { RpcError } from '@rondo/rpc/status';
import { connect, explainRegistryError, listOperatorStates, type RegistryConnection } from './connection.js';
import { type Change, WatchedState } from './watched-state.js';

/** How the registry is watched. */
interface WatchOptions {
  /** A fully qualified service; empty for all. */
  readonly service: string;
  readonly clock: Clock;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/** A change, with `error` if the watch broke, and the registry's address if the watch broke, resumed or moved. */
export type WatchedChange = Change & {
  readonly error?: RpcError;
  readonly address?: string;
  /** Why an operator has cordoned the instance, if it is known. */
  readonly cordonReason?: string;
};

const BACKOFF = { baseMs: 100, maxMs: 2_000, random: systemRandom };
const REASON_TIMEOUT_MS = 1_000;

/**
 * Watches the registry until `signal` aborts: yields the present state, then each change. If the watch breaks, it yields `lost`
 * once and resumes at the next address. After each round over all addresses it waits, with exponential backoff.
 */
export async function* watchRegistry(
  addresses: readonly string[],
  options: WatchOptions,
): AsyncGenerator<WatchedChange> {
  const { clock, signal } = options;
  const state = new WatchedState();
  /** The last address that sent an event. */
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
    // Before the first event, a failure counts as lost only if every address has failed.
    if (!lost && (followed !== undefined || round)) {
      yield { type: 'lost', address, ...(failure !== undefined && { error: failure }) };
      lost = true;
    }
    if (round) await pause(backoffMs(failures / addresses.length - 1, BACKOFF), clock, signal);
  }
}

/** Watches at one address, and yields the changes of each event, until the watch breaks. */
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

/** Adds the reason to cordoned instances: watch events don't have it. It is left out if it can't be read in time. */
async function withReasons(
  changes: readonly Change[],
  registry: RegistryConnection,
  signal: AbortSignal,
): Promise<readonly WatchedChange[]> {
  const isCordoned = (change: Change) => 'instance' in change && change.instance.operatorState === 'CORDONED';
  if (!changes.some(isCordoned)) return changes;
  const states = await listOperatorStates(registry, { signal, timeoutMs: REASON_TIMEOUT_MS }).catch(() => undefined);
  return changes.map((change) => {
    const reason = 'instance' in change ? states?.get(change.instance.instanceId)?.reason : undefined;
    return reason === undefined || reason === '' || !isCordoned(change) ? change : { ...change, cordonReason: reason };
  });
}

const PASSING: ReadonlySet<string> = new Set(['UNAVAILABLE', 'CANCELLED', 'INTERNAL', 'RESOURCE_EXHAUSTED', 'UNKNOWN']);

/** Returns an error after which the watch is retried. Throws any other: the registry would give the same answer again. */
function passing(error: unknown, addresses: readonly string[]): RpcError {
  if (!(error instanceof RpcError) || !PASSING.has(error.codeName)) throw explainRegistryError(addresses, error);
  return error;
}

async function pause(delayMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  try {
    await sleep(clock, delayMs, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
