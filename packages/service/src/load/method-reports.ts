import { OrcaLoadReport } from '@rondo/contracts/xds/data/orca/v3/orca_load_report';
import { Metadata, type ServerCall } from '@rondo/rpc/call';
import { RpcError, Status } from '@rondo/rpc/status';
import { type CallEnd, MethodLoad } from './method-load.js';

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
