import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import {
  CallStatsServiceDefinition,
  type GetCallStatsResponse,
  type PoolStatus,
} from '@rondo/contracts/rondo/stats/v1/stats';
import { addressOf, busyBetween, flowsBetween, type MethodFlow, reasonOf } from '@rondo/operate/internal';
import { type Channel, createClient, staticResolver } from '@rondo/rpc/client';
import { createSemaphore } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { openChannel } from '../channels.js';
import type { Asking } from '../deadline.js';
import { inTime } from '../listing/check.js';

/** What is known of an instance. */
export interface Sampled {
  readonly instance: Instance;
  /**
   * `counted`: its flows are known. `waiting`: a second sample is missing. `uncounted`: it answers, but doesn't tell its calls.
   */
  readonly state: 'waiting' | 'counted' | 'uncounted' | 'unreachable';
  /** Why it isn't `counted`; empty if it is. */
  readonly reason: string;
  readonly flows: readonly MethodFlow[];
  /** The share of the time since the sample before in which its event loop was busy: 0 to 1. */
  readonly busy?: number | undefined;
  /** Its pools of database connections now. */
  readonly pools?: readonly PoolStatus[];
}

/** Options of {@link createSampler}. */
export interface SamplerOptions extends Asking {
  readonly concurrency?: number | undefined;
  /** Runs after each sample of an instance but its first. */
  readonly onSample: (sampled: Sampled) => void;
}

/** Creates what asks instances for their counters, again and again. It keeps a connection to each, and the last answer of each. */
export function createSampler({ onSample, concurrency = 64, ...asking }: SamplerOptions) {
  const watched = new Map<string, Watched>();
  const semaphore = createSemaphore(concurrency);

  async function ask(one: Watched): Promise<void> {
    if (one.asking) return;
    one.asking = true;
    await semaphore.run(() => one.ask());
    one.asking = false;
    if (one.samples > 1 && watched.get(one.sampled.instance.instanceId) === one) onSample(one.sampled);
  }

  function follow(instances: readonly Instance[]): void {
    const wanted = new Map(instances.map((instance) => [instance.instanceId, instance]));
    for (const [id, one] of watched) {
      const instance = wanted.get(id);
      if (instance !== undefined && addressOf(instance) === one.address) one.sampled = { ...one.sampled, instance };
      else {
        one.channel.close();
        watched.delete(id);
      }
    }
    for (const [id, instance] of wanted) if (!watched.has(id)) watched.set(id, new Watched(instance, asking));
  }

  return {
    /** The instances to ask from now on. Connections to the others are closed. */
    follow,
    /** Asks each instance that isn't being asked already. Resolves when these have answered, or their time is over. */
    async ask() {
      // Those that are silent come last, so that they hold up no other.
      const isSilent = ({ sampled }: Watched) => Number(sampled.state === 'unreachable');
      await Promise.all([...watched.values()].sort((a, b) => isSilent(a) - isSilent(b)).map(ask));
    },
    /** What is known now, in the order of the instances. */
    read: (): readonly Sampled[] => [...watched.values()].map(({ sampled }) => sampled),
    close: () => follow([]),
  };
}

/** One instance, its connection and its last answer. */
class Watched {
  readonly address: string;
  readonly channel: Channel;
  sampled: Sampled;
  asking = false;
  samples = 0;
  readonly #asking: Asking;
  #last: GetCallStatsResponse | undefined;

  constructor(instance: Instance, asking: Asking) {
    this.address = addressOf(instance);
    this.sampled = { instance, ...failed('waiting', 'it has not answered yet') };
    this.channel = openChannel({ resolver: staticResolver([this.address]), clock: asking.clock });
    this.#asking = asking;
  }

  async ask(): Promise<void> {
    this.samples += 1;
    const seen = await this.#read();
    // The registry may have sent a change of it meanwhile.
    this.sampled = { ...seen, instance: this.sampled.instance };
  }

  async #read(): Promise<Omit<Sampled, 'instance'>> {
    if (this.address === '') return failed('unreachable', 'it names no address');
    try {
      const client = createClient(CallStatsServiceDefinition, { channel: this.channel });
      return this.#compare(await inTime(this.#asking, (signal) => client.getCallStats({}, { signal })));
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (error.code === Status.UNIMPLEMENTED) return failed('uncounted', 'it tells nothing of its calls');
      return failed(isUnreachable(error) ? 'unreachable' : 'uncounted', reasonOf(error));
    }
  }

  #compare(stats: GetCallStatsResponse): Omit<Sampled, 'instance'> {
    const { instanceId } = this.sampled.instance;
    // The registry may have put the identity of the process behind its own id.
    if (stats.instanceId !== instanceId.split('@')[0]) {
      return failed('unreachable', `"${stats.instanceId}" answers at its address`);
    }
    const before = this.#last;
    this.#last = stats;
    if (before === undefined) return failed('waiting', 'it has answered only once');
    const flows = flowsBetween(before, stats);
    if (flows === undefined) return failed('waiting', 'its process has restarted');
    return { state: 'counted', reason: '', flows, busy: busyBetween(before, stats), pools: stats.pools };
  }
}

const failed = (state: Sampled['state'], reason: string): Omit<Sampled, 'instance'> => ({ state, reason, flows: [] });

const isUnreachable = ({ code }: RpcError): boolean =>
  code === Status.UNAVAILABLE || code === Status.DEADLINE_EXCEEDED || code === Status.CANCELLED;
