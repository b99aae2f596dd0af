import {
  CallStatsServiceDefinition,
  type GetCallStatsResponse,
  type PoolStatus,
} from '@rondo/contracts/rondo/stats/v1/stats';
import { type Channel, type Client, createClient } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { reasonOf } from './errors.js';
import type { Reading } from './figures.js';
import { busyBetween, flowsBetween, type MethodFlow } from './flow.js';

/** What an instance has counted since it was asked before. */
export interface Sample {
  /**
   * `counted`: its flows are known. `waiting`: a second answer is missing. `uncounted`: it answers, but doesn't say what it counts.
   */
  readonly state: 'waiting' | 'counted' | 'uncounted' | 'unreachable';
  /** Why it isn't `counted`; empty if it is. */
  readonly reason: string;
  readonly flows: readonly MethodFlow[];
  /** The share of the time since the sample before in which its event loop was busy: 0 to 1. */
  readonly busy?: number | undefined;
  /** Its pools of database connections now. */
  readonly pools?: readonly PoolStatus[];
  /** Its last two answers; undefined if it doesn't answer. */
  readonly reading?: Reading;
}

export const unsampled = (state: Sample['state'], reason: string): Sample => ({ state, reason, flows: [] });

const AWAY: ReadonlySet<Status> = new Set([Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED, Status.CANCELLED]);

/** Asks one instance for its counters, again and again, and compares each answer with the one before. */
export class Counters {
  readonly #instanceId: string;
  readonly #client: Client<typeof CallStatsServiceDefinition>;
  #before: GetCallStatsResponse | undefined;

  constructor(instanceId: string, channel: Channel) {
    this.#instanceId = instanceId;
    this.#client = createClient(CallStatsServiceDefinition, { channel });
  }

  /** Asks by `read`. @throws what it throws but `RpcError`. */
  async ask(
    read: (client: Client<typeof CallStatsServiceDefinition>) => Promise<GetCallStatsResponse>,
  ): Promise<Sample> {
    try {
      return this.#compare(await read(this.#client));
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (error.code === Status.UNIMPLEMENTED) return unsampled('uncounted', 'it tells nothing of its calls');
      return unsampled(AWAY.has(error.code) ? 'unreachable' : 'uncounted', reasonOf(error));
    }
  }

  #compare(last: GetCallStatsResponse): Sample {
    // The registry may have put the identity of the process behind its own id.
    if (last.instanceId !== '' && last.instanceId !== this.#instanceId.split('@')[0])
      return unsampled('unreachable', `"${last.instanceId}" answers at its address`);
    const before = this.#before;
    this.#before = last;
    const reading = { instanceId: this.#instanceId, before, last };
    if (before === undefined) return { ...unsampled('waiting', 'it has answered only once'), reading };
    const flows = flowsBetween(before, last);
    if (flows === undefined) return { ...unsampled('waiting', 'its process has restarted'), reading };
    return { state: 'counted', reason: '', flows, busy: busyBetween(before, last), pools: last.pools, reading };
  }
}
