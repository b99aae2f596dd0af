import { OrcaLoadReport } from '@rondo/contracts/xds/data/orca/v3/orca_load_report';
import { Metadata, type ServerCall } from '@rondo/rpc/call';
import { RpcError, Status } from '@rondo/rpc/status';

/** The trailing metadata that tells a call's peer of the load. Source: gRFC A51, https://github.com/grpc/proposal */
const LOAD_REPORT = 'endpoint-load-metrics-bin';

/** A report is made anew at most so often, and goes to each peer once. Milliseconds. */
const REPORT_MS = 100;

/** So many peers that have the report are remembered; further ones get it more than once. */
const MAX_PEERS = 1_000;

const FAULTS: ReadonlySet<Status> = new Set([
  Status.UNKNOWN,
  Status.DEADLINE_EXCEEDED,
  Status.INTERNAL,
  Status.UNAVAILABLE,
  Status.DATA_LOSS,
]);

/** Measures the calls of one method, and tells those who call it. */
export class MethodReports {
  readonly #load: MethodLoad;
  readonly #cpu: () => number;
  readonly #told = new Set<string>();
  #report = new Metadata();
  #madeAt = Number.NEGATIVE_INFINITY;

  constructor(now: number, cpu: () => number) {
    this.#load = new MethodLoad(now);
    this.#cpu = cpu;
  }

  begin(now: number): void {
    this.#load.begin(now);
  }

  /** A call has ended, with `error` where it failed; its peer learns of the load with it, unless it knows already. */
  end(call: ServerCall, error: unknown, now: number): void {
    const { peer, trailer } = call;
    const how = endOf(call, error);
    this.#load.end(how, now);
    if (how === 'left') return;
    if (now - this.#madeAt >= REPORT_MS) this.#make(now);
    if (this.#told.has(peer)) return;
    if (this.#told.size < MAX_PEERS) this.#told.add(peer);
    // A handler may tell of its load itself: that stands.
    if (!trailer.has(LOAD_REPORT)) trailer.appendAll(this.#report);
  }

  #make(now: number): void {
    const { callsPerSecond, faultsPerSecond, utilization } = this.#load.read(now);
    const report = OrcaLoadReport.fromPartial({
      rpsFractional: callsPerSecond,
      eps: faultsPerSecond,
      applicationUtilization: utilization,
      cpuUtilization: this.#cpu(),
    });
    this.#report = new Metadata([[LOAD_REPORT, OrcaLoadReport.encode(report).finish()]]);
    this.#madeAt = now;
    this.#told.clear();
  }
}

function endOf({ limit }: ServerCall, error: unknown): CallEnd {
  const code = error === undefined ? limit.reason?.code : codeOf(error);
  if (code === undefined) return 'answered';
  if (code === Status.CANCELLED) return 'left';
  if (code === Status.RESOURCE_EXHAUSTED) return 'refused';
  return FAULTS.has(code) ? 'failed' : 'answered';
}

function codeOf(error: unknown): Status {
  return error instanceof RpcError ? error.code : Status.UNKNOWN;
}

/** How a call ended, as far as it tells of its server. */
export type CallEnd =
  /** The caller has its answer. */
  | 'answered'
  /** The caller left before: how long the call would have taken, nobody knows. */
  | 'left'
  /** There was too much to do. */
  | 'refused'
  /** The server failed. */
  | 'failed';

/** What a server has to do for the calls of one method, of late. */
interface MethodFigures {
  /** Calls that ended a second. */
  readonly callsPerSecond: number;
  /** Of those, the ones that the server failed. */
  readonly faultsPerSecond: number;
  /** Calls in flight at a time. Its ratio to the calls a second is what one takes, in seconds. */
  readonly utilization: number;
}

/** How long a change takes to show: what is older than this counts for a third. Milliseconds. */
const WINDOW_MS = 1_000;

/**
 * What a call takes beside its handler's time. Replicas that differ by less are alike: how long a handler of a few
 * microseconds takes says more of the moment than of its server. Milliseconds.
 */
const OVERHEAD_MS = 0.5;

/**
 * What a call counts for beside its time where the server failed or refused it: else the replica that fails fastest were
 * the one that gets the most. Milliseconds.
 */
const FAULT_PENALTY_MS = 250;

/**
 * The load that the calls of one method are. It counts time as it passes, so that calls that don't come to an end show.
 *
 * Source: Little, "A Proof for the Queuing Formula L = λW", 1961: the mean number in flight is the rate times the time.
 */
export class MethodLoad {
  #inFlight = 0;
  /** Up to when the calls in flight are counted in `#busyMs`. */
  #countedAt: number;
  /** Since when calls, faults and the time they took are counted. */
  #since: number;
  #calls = 0;
  #faults = 0;
  #busyMs = 0;
  #figures: MethodFigures = { callsPerSecond: 0, faultsPerSecond: 0, utilization: 0 };

  constructor(now: number) {
    this.#countedAt = now;
    this.#since = now;
  }

  begin(now: number): void {
    this.#count(now);
    this.#inFlight += 1;
  }

  end(how: CallEnd, now: number): void {
    this.#count(now);
    this.#inFlight -= 1;
    if (how === 'left') return;
    this.#calls += 1;
    this.#busyMs += OVERHEAD_MS;
    if (how === 'answered') return;
    this.#busyMs += FAULT_PENALTY_MS;
    if (how === 'failed') this.#faults += 1;
  }

  /** The figures now: each the mean over the time before, where what is longer ago counts for less. */
  read(now: number): MethodFigures {
    this.#count(now);
    const passedMs = now - this.#since;
    const kept = Math.exp(-passedMs / WINDOW_MS);
    // What came in no time at all counts as if it had come in the shortest there is.
    const rate = passedMs > 0 ? (1 - kept) / passedMs : 1 / WINDOW_MS;
    const { callsPerSecond, faultsPerSecond, utilization } = this.#figures;
    this.#figures = {
      callsPerSecond: callsPerSecond * kept + this.#calls * rate * 1_000,
      faultsPerSecond: faultsPerSecond * kept + this.#faults * rate * 1_000,
      utilization: utilization * kept + this.#busyMs * rate,
    };
    this.#since = now;
    this.#calls = 0;
    this.#faults = 0;
    this.#busyMs = 0;
    return this.#figures;
  }

  #count(now: number): void {
    this.#busyMs += this.#inFlight * (now - this.#countedAt);
    this.#countedAt = now;
  }
}
