import { OrcaLoadReport } from '@rondo/contracts/xds/data/orca/v3/orca_load_report';
import { Metadata, type ServerCall } from '@rondo/rpc/call';
import { isServerFault } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';

/** Trailing metadata key of the load report. Source: gRFC A51, https://github.com/grpc/proposal */
const LOAD_REPORT = 'endpoint-load-metrics-bin';

/** The least interval between two load reports, in milliseconds. Each peer gets each report once. */
const REPORT_MS = 100;

/** How many peers are remembered as having the report. Further peers may get it more than once. */
const MAX_PEERS = 1_000;

/** Measures the calls of one method, and reports the load to its callers. */
export class MethodReports {
  readonly #load: MethodLoad;
  readonly #cpu: () => number;
  readonly #sentTo = new Set<string>();
  #report = new Metadata();
  #madeAt = Number.NEGATIVE_INFINITY;

  constructor(now: number, cpu: () => number) {
    this.#load = new MethodLoad(now);
    this.#cpu = cpu;
  }

  begin(now: number): void {
    this.#load.begin(now);
  }

  /**
   * Records the end of a call, with `error` if it failed. The call's trailer gets the report, unless its peer already
   * has it.
   */
  end(call: ServerCall, error: unknown, now: number): void {
    const { peer, trailer } = call;
    const how = endOf(call, error);
    this.#load.end(how, now);
    if (how === 'cancelled') return;
    if (now - this.#madeAt >= REPORT_MS) this.#make(now);
    if (this.#sentTo.has(peer)) return;
    if (this.#sentTo.size < MAX_PEERS) this.#sentTo.add(peer);
    // A report that the handler has set takes precedence.
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
    this.#sentTo.clear();
  }
}

function endOf({ context }: ServerCall, error: unknown): CallEnd {
  const code = error === undefined ? context.reason?.code : codeOf(error);
  if (code === undefined) return 'answered';
  if (code === Status.CANCELLED) return 'cancelled';
  if (code === Status.RESOURCE_EXHAUSTED) return 'refused';
  return isServerFault(code) ? 'failed' : 'answered';
}

function codeOf(error: unknown): Status {
  return error instanceof RpcError ? error.code : Status.UNKNOWN;
}

/** How a call ended, as far as it says something about the server. */
export type CallEnd =
  /** The caller has its reply. */
  | 'answered'
  /** The caller cancelled it, so its full duration is unknown. */
  | 'cancelled'
  /** The server was overloaded. */
  | 'refused'
  /** The server failed. */
  | 'failed';

/** The recent load of one method. */
interface MethodFigures {
  /** Calls that ended, per second. */
  readonly callsPerSecond: number;
  /** Calls that the server failed, per second. */
  readonly faultsPerSecond: number;
  /** Mean number of calls in flight. Divided by the calls per second it is the mean duration of a call, in seconds. */
  readonly utilization: number;
}

/** Time constant of the moving average, in milliseconds: anything older counts for a third. */
const WINDOW_MS = 1_000;

/**
 * Added to the duration of every call, in milliseconds. It makes replicas with nearly equal durations alike: in a
 * duration of a few microseconds, chance outweighs the speed of the server.
 */
const OVERHEAD_MS = 0.5;

/**
 * Added to the duration of a failed or refused call, in milliseconds. Without it the replica that fails fastest would
 * get the most calls.
 */
const FAULT_PENALTY_MS = 250;

/**
 * Measures the load of one method. It counts time as it passes, so that calls that never end show up.
 *
 * Source: Little, "A Proof for the Queuing Formula L = λW", 1961: the mean number in flight is the rate times the time.
 */
export class MethodLoad {
  #inFlight = 0;
  /** The time up to which `#busyMs` includes the calls in flight. */
  #countedAt: number;
  /** The start of the current counts. */
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
    if (how === 'cancelled') return;
    this.#calls += 1;
    this.#busyMs += OVERHEAD_MS;
    if (how === 'answered') return;
    this.#busyMs += FAULT_PENALTY_MS;
    if (how === 'failed') this.#faults += 1;
  }

  /** The figures now: exponential moving averages. */
  read(now: number): MethodFigures {
    this.#count(now);
    const passedMs = now - this.#since;
    const kept = Math.exp(-passedMs / WINDOW_MS);
    // If no time has passed, the limit of the expression for zero applies.
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
