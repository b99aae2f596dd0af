import { OrcaLoadReport } from '@rondo/contracts/xds/data/orca/v3/orca_load_report';
import type { Metadata } from '../call/index.js';
import type { Clock } from '../clock/index.js';

/** The trailing metadata that tells of a server's load. Source: gRFC A51, https://github.com/grpc/proposal */
const LOAD_REPORT = 'endpoint-load-metrics-bin';

/** Whoever's load is followed. */
interface Reporting {
  /** What it said of it; undefined where it didn't. */
  load: LoadWeight | undefined;
}

/** Follows what the instances of a service say of their load: for one that is balanced by it. */
export class LoadReports {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A try has ended: its trailer, where it has one, may bring a report. */
  note(candidate: Reporting, trailer: Metadata | undefined): void {
    if (trailer === undefined || candidate.load?.wants() === false) return;
    const report = trailer.getBytes(LOAD_REPORT);
    if (report === undefined) return;
    candidate.load ??= new LoadWeight(this.#clock);
    candidate.load.note(report);
  }

  /** A connection was made: what answers there now may be another process. */
  forget(candidates: Iterable<Reporting>): void {
    for (const candidate of candidates) candidate.load = undefined;
  }
}

/** Reports that come closer upon each other are passed over. A Rondo server sends one in 100 ms. Milliseconds. */
const READ_MS = 50;

/** How long a change takes to show: a report that is older than this counts for a third. Milliseconds. */
const SMOOTHING_MS = 1_000;

/** A first report is used after so long: it tells of few calls. Milliseconds. */
const BLACKOUT_MS = 1_000;

/**
 * How long a report stands that no other follows. Who gets next to no calls sends none, and gets a peer's share once more
 * when what was said of it has run out; what that costs is a call or two each time. Milliseconds.
 */
const EXPIRY_MS = 15_000;

/** What is beyond these no server means: calls of more than a week, or more than ten million a second. */
const WEIGHTS = { min: 1e-6, max: 1e7 } as const;

/** How much of its capacity a server is taken to waste where all of its calls fail. */
const FAULT_PENALTY = 1;

/**
 * The weight of one instance for the calls of one method, by the load that it reports: about how many it could carry a
 * second. Source: gRFC A58, https://github.com/grpc/proposal
 */
export class LoadWeight {
  readonly #clock: Clock;
  #readAt = Number.NEGATIVE_INFINITY;
  #since = 0;
  #notedAt = Number.NEGATIVE_INFINITY;
  /** What a call costs: the reciprocal of the weight, so that who becomes slow is heard sooner than who recovers. */
  #cost = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The weight; undefined while nothing, or nothing that counts any more, is known. */
  get value(): number | undefined {
    const now = this.#clock.now();
    const known = now - this.#notedAt < EXPIRY_MS && now - this.#since >= BLACKOUT_MS;
    return known ? 1 / this.#cost : undefined;
  }

  /** Whether it is time to read another report. */
  wants(): boolean {
    return this.#clock.now() - this.#readAt >= READ_MS;
  }

  /** Reads `report`, an `OrcaLoadReport`; what can't be read, or believed, changes nothing. */
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
  // Each comparison fails for what is no number.
  if (!(rate > 0 && utilization > 0 && eps >= 0)) return undefined;
  const weight = rate / (utilization + (eps / rate) * FAULT_PENALTY);
  return weight >= WEIGHTS.min && weight <= WEIGHTS.max ? weight : undefined;
}

function decode(bytes: Uint8Array): OrcaLoadReport | undefined {
  try {
    return OrcaLoadReport.decode(bytes);
  } catch {
    // Whoever made these is no server that speaks of its load: there is nothing to weigh it by.
    return undefined;
  }
}
