import type { Clock } from '@rondo/base';
import { OrcaLoadReport } from '@rondo/contracts/xds/data/orca/v3/orca_load_report';
import type { Metadata } from '../call/metadata.js';

/** The trailing metadata key of a load report. Source: gRFC A51, https://github.com/grpc/proposal */
const LOAD_REPORT = 'endpoint-load-metrics-bin';

/** A candidate whose load is tracked. */
interface Reporting {
  /** The weight from its reports; undefined if there are none. */
  load: LoadWeight | undefined;
}

/** Collects the load reports of a service's instances, for policies that balance by load. */
export class LoadReports {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** An attempt has ended. Its trailer may contain a report. */
  note(candidate: Reporting, trailer: Metadata | undefined): void {
    if (trailer === undefined || candidate.load?.wants() === false) return;
    const report = trailer.getBytes(LOAD_REPORT);
    if (report === undefined) return;
    candidate.load ??= new LoadWeight(this.#clock);
    candidate.load.note(report);
  }

  /** A connection was made. Another process may answer now, so earlier reports don't count. */
  forget(candidates: Iterable<Reporting>): void {
    for (const candidate of candidates) candidate.load = undefined;
  }
}

/** A report that follows the last one sooner than this is ignored. A Rondo server sends one every 100 ms. Milliseconds. */
const MIN_INTERVAL_MS = 50;

/** The time constant of the smoothing: a report of this age counts for about a third. Milliseconds. */
const SMOOTHING_MS = 1_000;

/** The time for which the first reports are ignored, because they cover few calls. Milliseconds. */
const BLACKOUT_MS = 1_000;

/**
 * The time after which the last report expires, and the instance gets an average share of the calls again. Without
 * it, an instance with a tiny weight would get hardly any calls and would never send a new report. Milliseconds.
 */
const EXPIRY_MS = 15_000;

/** The range of plausible weights: from one call a week to ten million calls a second. */
const WEIGHTS = { min: 1e-6, max: 1e7 } as const;

/** The part of its capacity that a server is assumed to waste if all its calls fail. */
const FAULT_PENALTY = 1;

/**
 * The weight of one instance for one method, from its load reports: about how many calls a second it can handle.
 * Source: gRFC A58, https://github.com/grpc/proposal
 */
export class LoadWeight {
  readonly #clock: Clock;
  #readAt = Number.NEGATIVE_INFINITY;
  #since = 0;
  #notedAt = Number.NEGATIVE_INFINITY;
  /** The reciprocal of the weight. Smoothing it makes a slowdown show sooner than a recovery. */
  #cost = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The weight in calls a second; undefined if there is no current report. */
  get value(): number | undefined {
    const now = this.#clock.now();
    const known = now - this.#notedAt < EXPIRY_MS && now - this.#since >= BLACKOUT_MS;
    return known ? 1 / this.#cost : undefined;
  }

  /** Whether the next report is to be read. */
  wants(): boolean {
    return this.#clock.now() - this.#readAt >= MIN_INTERVAL_MS;
  }

  /** Reads an encoded `OrcaLoadReport`. An unreadable or implausible report has no effect. */
  note(report: Uint8Array): void {
    const now = this.#clock.now();
    this.#readAt = now;
    const weight = weightOf(report);
    if (weight === undefined) return;
    const passedMs = now - this.#notedAt;
    if (passedMs < EXPIRY_MS) {
      this.#cost += (1 / weight - this.#cost) * (1 - Math.exp(-passedMs / SMOOTHING_MS));
    } else {
      this.#since = now;
      this.#cost = 1 / weight;
    }
    this.#notedAt = now;
  }
}

function weightOf(bytes: Uint8Array): number | undefined {
  const report = decode(bytes);
  if (report === undefined) return undefined;
  const { rpsFractional: rate, eps, applicationUtilization, cpuUtilization } = report;
  const utilization = applicationUtilization > 0 ? applicationUtilization : cpuUtilization;
  // Each comparison is false for NaN.
  if (!(rate > 0 && utilization > 0 && eps >= 0)) return undefined;
  const weight = rate / (utilization + (eps / rate) * FAULT_PENALTY);
  return weight >= WEIGHTS.min && weight <= WEIGHTS.max ? weight : undefined;
}

function decode(bytes: Uint8Array): OrcaLoadReport | undefined {
  try {
    return OrcaLoadReport.decode(bytes);
  } catch {
    // The bytes are not a load report, so there is no weight.
    return undefined;
  }
}
