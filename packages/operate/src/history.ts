import {
  type FigurePart,
  FigureStep,
  type WatchFiguresRequest,
  type WatchFiguresResponse,
} from '@rondo/contracts/rondo/gateway/v1/console';
import type { GetCallStatsResponse } from '@rondo/contracts/rondo/stats/v1/stats';
import type { WallClock } from '@rondo/rpc/clock';
import { percentileMs } from '@rondo/rpc/internal';
import { Status } from '@rondo/rpc/status';
import { busyBetween, flowsBetween, type MethodFlow, secondsBetween } from './flow.js';
import { endedOf, isFault, merge, total } from './sums.js';

/** The time from one step to the next. Milliseconds. */
export const STEP_MS = 5_000;
/** How far back it goes: an hour. Instances have one step for three of the others, as there may be many. */
const [STEPS, INSTANCE_STEPS, INSTANCE_EVERY] = [720, 240, 3];
/** The most services and methods, and the most instances, whose figures are kept. */
const [MAX_NAMES, MAX_INSTANCES, MAX_PARTS] = [1_000, 1_000, 100];
/** Counters are compared with those of about a step before. Seconds. */
const MIN_SECONDS = 3.5;
/** Rondo's own services, whose calls would hide those of the system. */
const OWN = /^(?:rondo|grpc|xds)\./;

const OF_CALLS = ['callsPerSecond', 'refusedPerSecond', 'errorsPerSecond', 'p50Ms', 'p99Ms', 'callsInFlight'] as const;
const OF_PROCESSES = [...OF_CALLS, 'eventLoopBusy', 'callsQueued', 'connectionsUsed', 'connectionWaits'] as const;
type Name = (typeof OF_PROCESSES)[number];
type Figures = { readonly [N in Name]?: number | undefined };

/** What came to the counters of one method at one instance. Rates are per second. */
interface MethodShare {
  readonly service: string;
  readonly method: string;
  readonly calls: number;
  readonly refused: number;
  readonly errors: number;
  readonly inFlight: number;
  readonly durations: MethodFlow['durations'];
}

/** The same of one instance, and the state of its process. */
interface Share {
  readonly methods: readonly MethodShare[];
  readonly busy: number;
  readonly queued: number;
  readonly used: number;
  readonly waits: number;
}

/** The figures of one thing over time, in a ring. What isn't known is NaN. */
class Series {
  readonly #names: readonly Name[];
  readonly #values: Float32Array;

  constructor(names: readonly Name[], steps: number) {
    this.#names = names;
    this.#values = new Float32Array(names.length * steps).fill(Number.NaN);
  }

  write(step: number, figures: Figures | undefined): void {
    const width = this.#names.length;
    const at = (step * width) % this.#values.length;
    for (const [index, name] of this.#names.entries()) this.#values[at + index] = figures?.[name] ?? Number.NaN;
  }

  /** Undefined if nothing was known. */
  read(step: number, unixMs: number): FigureStep | undefined {
    const width = this.#names.length;
    const at = (step * width) % this.#values.length;
    const values = Object.fromEntries(this.#names.map((name, index) => [name, rounded(this.#values[at + index])]));
    return values['callsPerSecond'] === undefined ? undefined : { ...EMPTY, unixMs, ...values };
  }

  get bytes(): number {
    return this.#values.byteLength;
  }
}

/** The series of the things of one kind, by name. */
interface Kept {
  readonly known: Map<string, Series>;
  readonly most: number;
  readonly steps: number;
}

const EMPTY = FigureStep.fromPartial({});

/** With four digits, as more would only make messages longer; undefined for NaN. */
const rounded = (value = Number.NaN): number | undefined =>
  Number.isNaN(value) ? undefined : Number(value.toPrecision(4));

/** The last hour of the figures of services, methods and instances, in a bounded part of the memory. */
export class History {
  readonly #wallClock: WallClock;
  readonly #sinceMs: number;
  readonly #marks = new Map<string, GetCallStatsResponse>();
  readonly #shares = new Map<string, Share>();
  /** By service, by service and method, and the system's by the empty name. */
  readonly #names: Kept = { known: new Map(), most: MAX_NAMES, steps: STEPS };
  readonly #instances: Kept = { known: new Map(), most: MAX_INSTANCES, steps: INSTANCE_STEPS };
  #step = 0;
  #endedAtMs: number;

  constructor(wallClock: WallClock) {
    this.#wallClock = wallClock;
    this.#sinceMs = wallClock.now().getTime();
    this.#endedAtMs = this.#sinceMs;
  }

  /** The memory that the figures take. */
  get bytes(): number {
    return total([...this.#names.known.values(), ...this.#instances.known.values()], ({ bytes }) => bytes);
  }

  /** How many steps have ended. */
  get steps(): number {
    return this.#step;
  }

  /** Takes what an instance has answered; undefined if it doesn't answer, or has left: its figures stay. */
  take(instanceId: string, last: GetCallStatsResponse | undefined): void {
    const mark = this.#marks.get(instanceId);
    if (last === undefined) {
      this.#marks.delete(instanceId);
      this.#shares.delete(instanceId);
      return;
    }
    const seconds = mark && secondsBetween(mark, last);
    if (seconds !== undefined && seconds < MIN_SECONDS) return;
    this.#marks.set(instanceId, last);
    const share = mark && shareOf(mark, last);
    if (share === undefined) this.#shares.delete(instanceId);
    else this.#shares.set(instanceId, share);
  }

  /** Ends a step: what the instances have answered last becomes its figures. */
  endStep(): void {
    const step = this.#step;
    const shares = [...this.#shares.values()];
    const methods = shares.flatMap((share) => share.methods);
    const byName = new Map<string, MethodShare[]>([['', methods]]);
    for (const one of methods) {
      for (const name of [one.service, `${one.service}/${one.method}`]) {
        const found = byName.get(name);
        if (found === undefined) byName.set(name, [one]);
        else found.push(one);
      }
    }
    for (const [name, found] of byName) {
      const isSystem = name === '';
      const figures = isSystem ? { ...figuresOf(found), ...stateOf(shares) } : figuresOf(found);
      const series = seriesOf(this.#names, name, isSystem ? OF_PROCESSES : OF_CALLS);
      series?.write(step, figures);
    }
    for (const [name, series] of this.#names.known) if (!byName.has(name)) series.write(step, undefined);
    if (step % INSTANCE_EVERY === 0) this.#writeInstances(step / INSTANCE_EVERY);
    this.#step += 1;
    this.#endedAtMs = this.#wallClock.now().getTime();
  }

  #writeInstances(step: number): void {
    const { known } = this.#instances;
    const added = [...this.#shares.keys()].filter((id) => !known.has(id)).length;
    // Those that have left make room for new ones, the oldest first.
    for (const id of known.keys()) {
      if (known.size + added <= MAX_INSTANCES) break;
      if (!this.#shares.has(id)) known.delete(id);
    }
    for (const [id, series] of known) if (!this.#shares.has(id)) series.write(step, undefined);
    for (const [id, share] of this.#shares) {
      const series = seriesOf(this.#instances, id, OF_PROCESSES);
      series?.write(step, { ...figuresOf(share.methods), ...stateOf([share]) });
    }
  }

  /** The steps from the one with this number on, and the parts in the last one. */
  read({ service, method, instanceId }: WatchFiguresRequest, from: number): Omit<WatchFiguresResponse, 'gateway'> {
    const [series, most, every] =
      instanceId === ''
        ? ([this.#names.known.get(method === '' ? service : `${service}/${method}`), STEPS, 1] as const)
        : ([this.#instances.known.get(instanceId), INSTANCE_STEPS, INSTANCE_EVERY] as const);
    const end = Math.ceil(this.#step / every);
    const steps: FigureStep[] = [];
    for (let step = Math.max(end - most, Math.ceil(from / every)); step < end; step += 1) {
      const unixMs = this.#endedAtMs - (this.#step - 1 - step * every) * STEP_MS;
      const known = series?.read(step, unixMs);
      if (known !== undefined) steps.push(known);
    }
    const parts = instanceId === '' && method === '' ? this.#partsOf(service) : [];
    return { sinceTime: new Date(this.#sinceMs), stepMs: STEP_MS * every, steps, parts };
  }

  #partsOf(service: string): FigurePart[] {
    const prefix = service === '' ? '' : `${service}/`;
    const parts: FigurePart[] = [];
    for (const [key, series] of this.#names.known) {
      if (key === service || !key.startsWith(prefix)) continue;
      const name = key.slice(prefix.length);
      const last = name.includes('/') ? undefined : series.read(this.#step - 1, this.#endedAtMs);
      if (last !== undefined) parts.push({ name, last });
    }
    const calls = ({ last }: FigurePart) => last?.callsPerSecond ?? 0;
    return parts.sort((one, other) => calls(other) - calls(one)).slice(0, MAX_PARTS);
  }
}

/** The series of a name, or a new one; undefined if there are too many. */
function seriesOf({ known, most, steps }: Kept, name: string, figures: readonly Name[]): Series | undefined {
  const found = known.get(name);
  if (found !== undefined || known.size >= most) return found;
  const made = new Series(figures, steps);
  known.set(name, made);
  return made;
}

function shareOf(mark: GetCallStatsResponse, last: GetCallStatsResponse): Share | undefined {
  const flows = flowsBetween(mark, last)?.filter(({ service }) => !OWN.test(service));
  return (
    flows && {
      methods: flows.map((flow) => {
        const { service, method, seconds, calls, inFlight, durations } = flow;
        return {
          service,
          method,
          calls: calls / seconds,
          inFlight: Math.max(0, inFlight),
          refused: endedOf(flow, isRefusal) / seconds,
          errors: endedOf(flow, isFault) / seconds,
          durations: durations.filter(({ count }) => count > 0),
        };
      }),
      busy: busyBetween(mark, last) ?? 0,
      queued: total(last.guardedMethods, ({ bulkhead }) => bulkhead?.queued ?? 0),
      used: total(last.pools, ({ used }) => used),
      waits: total(last.pools, ({ waiting }) => waiting),
    }
  );
}

/** Whether a status says that the call was refused for a reason that lies with its caller. */
const isRefusal = (code: number): boolean => code !== Status.OK && code !== Status.CANCELLED && !isFault(code);

function figuresOf(methods: readonly MethodShare[]): Figures {
  const ranges = merge(methods);
  return {
    callsPerSecond: total(methods, ({ calls }) => calls),
    refusedPerSecond: total(methods, ({ refused }) => refused),
    errorsPerSecond: total(methods, ({ errors }) => errors),
    p50Ms: percentileMs(ranges, 0.5) ?? undefined,
    p99Ms: percentileMs(ranges, 0.99) ?? undefined,
    callsInFlight: total(methods, ({ inFlight }) => inFlight),
  };
}

function stateOf(shares: readonly Share[]): Figures {
  return {
    eventLoopBusy: shares.reduce((most, { busy }) => Math.max(most, busy), 0),
    callsQueued: total(shares, ({ queued }) => queued),
    connectionsUsed: total(shares, ({ used }) => used),
    connectionWaits: total(shares, ({ waits }) => waits),
  };
}
