import {
  type FleetCalls,
  type FleetInstance,
  type FleetLoad,
  FleetSource,
  FleetState,
  type WatchInstanceResponse,
} from '@rondo/contracts/rondo/gateway/v1/console';
import type { GetCallStatsResponse } from '@rondo/contracts/rondo/stats/v1/stats';
import type { Logger } from '@rondo/rpc/call';
import type { Channel, Endpoint } from '@rondo/rpc/client';
import { backgroundClock, type Clock, sleep } from '@rondo/rpc/clock';
import { Counters, unsampled } from './counters.js';
import { reasonOf } from './errors.js';
import { callersOf, databasesOf, edgesOf, loadOf, nameOf, type Reading } from './figures.js';
import { cordonReasons } from './settings.js';

/** What instances are followed with. */
export interface InstancesOptions {
  readonly channel: Channel;
  readonly clock: Clock;
  readonly log: Logger;
  /** The addresses of the registries; none if Kubernetes lists the instances. */
  readonly registry?: readonly string[] | undefined;
  readonly onChange: () => void;
  /** Whether anyone looks now: otherwise instances are asked less often. */
  readonly isWatched: () => boolean;
  /** Gets what each instance answers, and nothing for one that doesn't answer or has left. */
  readonly onAnswer: (instanceId: string, answer: GetCallStatsResponse | undefined) => void;
}

/** An instance, and its last report. */
export interface Followed {
  readonly endpoint: Endpoint;
  /** Ends the readings, or the time for which a lost instance is listed. */
  readonly asked?: AbortController;
  /** Whether it has answered, and isn't only what an earlier process saved. */
  readonly hasAnswered?: boolean;
  /** Whether its lease ran out although it took calls. */
  readonly isLost?: boolean;
  /** Why an operator has taken it out, once the registry has said it. */
  readonly cordonReason?: string | undefined;
  readonly reading?: Reading | undefined;
  readonly load?: FleetLoad | undefined;
}

/** Each instance that is asked costs a connection. */
const MAX_ASKED = 1_000;
const MAX_ABOUT = 20;
/** How long an instance that can't be asked is left alone. Milliseconds. */
const RETRY_MS = 5_000;
/** An instance is asked that often, while nobody looks less often, and of a large fleet not more than a hundred instances a second. Milliseconds. */
const [PAUSE_MS, QUIET_MS, PAUSE_OF_EACH_MS] = [2_000, 5_000, 10];
/** What is computed from all readings is computed anew after that time, or once all instances of a large fleet have been asked. Milliseconds. */
const CALLS_MS = 1_000;
/** How long an instance whose lease ran out stays listed, and how many of them do. Milliseconds. */
const [LOST_MS, MAX_LOST] = [10 * 60_000, 100];
const { FLEET_SOURCE_CURRENT: CURRENT, FLEET_SOURCE_LAST_KNOWN: LAST_KNOWN } = FleetSource;

/** The instances, followed by one watch of the registry, with what each tells of its calls again and again, until they are closed. */
export class Instances {
  /** By id. What has changed of an instance is another object. */
  readonly known = new Map<string, Followed>();
  source = LAST_KNOWN;
  readonly #options: InstancesOptions;
  readonly #following: { close(): void };
  readonly #about = new Set<string>();
  readonly #closed = new AbortController();
  #calls: FleetCalls = { edges: [], databases: [] };
  #callsAt = Number.NEGATIVE_INFINITY;

  constructor(options: InstancesOptions) {
    this.#options = options;
    const onAway = () => {
      this.source = LAST_KNOWN;
      options.onChange();
    };
    this.#following = options.channel.followAll({
      onResolution: ({ endpoints, departed }) => this.#list(endpoints, departed),
      onFailure: onAway,
      onPending: onAway,
    });
  }

  #list(endpoints: readonly Endpoint[], departed: readonly string[]): void {
    this.source = CURRENT;
    const listed = new Set(endpoints.map(({ instanceId }) => instanceId));
    for (const [id, one] of this.known) {
      const isGone = departed.includes(id);
      if (listed.has(id) || (one.isLost && !isGone)) continue;
      one.asked?.abort();
      if (!isGone && this.#isMissed(one)) this.known.set(id, this.#lose(one));
      else this.known.delete(id);
      this.#options.onAnswer(id, undefined);
    }
    const changed = endpoints.filter((endpoint) => this.known.get(endpoint.instanceId)?.endpoint !== endpoint);
    for (const [index, endpoint] of changed.entries()) {
      const { instanceId, address } = endpoint;
      const before = this.known.get(instanceId);
      const isSame = before?.endpoint.address === address && !before.isLost;
      if (!isSame) before?.asked?.abort();
      this.known.set(instanceId, isSame ? { ...before, endpoint } : this.#begin(endpoint, index));
    }
    this.#options.onChange();
    if (changed.some(({ state }) => state === 'cordoned')) void this.#explainCordons();
  }

  async #explainCordons(): Promise<void> {
    const { channel, registry = [], log, onChange } = this.#options;
    try {
      const reasons = await cordonReasons({ channel, registry }, this.#closed.signal);
      for (const [id, one] of this.known)
        if (reasons.has(id)) this.known.set(id, { ...one, cordonReason: reasons.get(id) });
      onChange();
    } catch (cause) {
      log.debug({ reason: reasonOf(cause) }, 'the registry does not say why instances are cordoned');
    }
  }

  /** Whether an instance should still be there. Registries of other kinds, which give no times, don't say who left by itself. */
  #isMissed({ endpoint: { state, registerTimeMs }, hasAnswered = false }: Followed): boolean {
    const lost = [...this.known.values()].filter(({ isLost }) => isLost).length;
    return state === 'serving' && registerTimeMs !== undefined && hasAnswered && lost < MAX_LOST;
  }

  /** Keeps an instance without its figures, for a time. */
  #lose({ endpoint }: Followed): Followed {
    const { clock, onChange } = this.#options;
    const asked = new AbortController();
    const forget = () => {
      this.known.delete(endpoint.instanceId);
      onChange();
    };
    void sleep(backgroundClock(clock), LOST_MS, asked.signal).then(forget, () => undefined);
    return { endpoint: { ...endpoint }, asked, isLost: true };
  }

  #begin(endpoint: Endpoint, index: number): Followed {
    if (this.known.size >= MAX_ASKED) return { endpoint };
    const asked = new AbortController();
    void this.#ask(endpoint, index * PAUSE_OF_EACH_MS, asked.signal);
    return { endpoint, asked };
  }

  /** Asks an instance for its counters until `signal` aborts; at first after a pause, so that not all are asked at the same time. */
  async #ask(endpoint: Endpoint, firstPauseMs: number, signal: AbortSignal): Promise<void> {
    const { channel, clock, log, onChange, onAnswer } = this.#options;
    const { instanceId, address } = endpoint;
    const pause = (ms: number) => sleep(clock, ms, signal).catch(() => undefined);
    if (firstPauseMs > 0) await pause(firstPauseMs);
    const direct = channel.direct([endpoint]);
    const counters = new Counters(instanceId, direct);
    try {
      while (!signal.aborted) {
        const { reading, reason } = await counters
          .ask((client) => client.getCallStats({ calledInstanceIds: [...this.#about] }, { signal }))
          .catch((cause: unknown) => unsampled('unreachable', reasonOf(cause)));
        const followed = this.known.get(instanceId);
        if (signal.aborted || followed?.endpoint.address !== address) return;
        if (!reading) log.debug({ reason, instance: instanceId }, 'an instance does not tell its calls');
        const hasAnswered = followed.hasAnswered || reading !== undefined;
        this.known.set(instanceId, { ...followed, reading, load: reading && loadOf(reading), hasAnswered });
        onAnswer(instanceId, reading?.last);
        onChange();
        const leastMs = this.#options.isWatched() ? PAUSE_MS : QUIET_MS;
        await pause(reading === undefined ? RETRY_MS : Math.max(leastMs, this.known.size * PAUSE_OF_EACH_MS));
      }
    } finally {
      direct.close();
    }
  }

  get #readings(): readonly Reading[] {
    return [...this.known.values()].flatMap(({ reading = [] }) => reading);
  }

  /** Who calls whom: the same object until it changes. */
  calls(): FleetCalls {
    const { clock } = this.#options;
    if (clock.now() - this.#callsAt < Math.max(CALLS_MS, this.known.size * PAUSE_OF_EACH_MS)) return this.#calls;
    this.#callsAt = clock.now();
    const edges = edgesOf(this.#readings);
    const databases = databasesOf(this.#readings);
    if (JSON.stringify([edges, databases]) !== JSON.stringify([this.#calls.edges, this.#calls.databases]))
      this.#calls = { edges, databases };
    return this.#calls;
  }

  /** Asks all instances for what they know of one of them, as long as it is the one of the last 20 for which this was called. */
  askAbout(id: string): void {
    this.#about.delete(id);
    this.#about.add(id);
    for (const oldest of this.#about) if (this.#about.size > MAX_ABOUT) this.#about.delete(oldest);
  }

  callersOf(id: string): WatchInstanceResponse {
    return callersOf(id, this.#readings);
  }

  close(): void {
    this.#following.close();
    this.#closed.abort();
    for (const { asked } of this.known.values()) asked?.abort();
    this.known.clear();
  }
}

const STATES: Readonly<Record<Endpoint['state'], FleetState>> = {
  starting: FleetState.FLEET_STATE_STARTING,
  serving: FleetState.FLEET_STATE_SERVING,
  draining: FleetState.FLEET_STATE_DRAINING,
  cordoned: FleetState.FLEET_STATE_CORDONED,
};

/** An instance as a page shows it. */
export function toInstance({ endpoint, load, reading, isLost, cordonReason = '' }: Followed): FleetInstance {
  const { instanceId, services = [], state, address, zone, version, weight, registerTimeMs, frames = false } = endpoint;
  return {
    instanceId,
    services: [...services],
    state: isLost ? FleetState.FLEET_STATE_LOST : STATES[state],
    address,
    zone,
    version,
    weight,
    load,
    registerTime: registerTimeMs === undefined ? undefined : new Date(registerTimeMs),
    name: nameOf(instanceId),
    certificateEndTime: reading?.last.certificateEndTime,
    frames,
    cordonReason: state === 'cordoned' ? cordonReason : '',
  };
}
