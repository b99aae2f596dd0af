import type { Metadata } from '../../call/index.js';
import type { Clock } from '../../clock/index.js';
import { LoadWeight } from './load-weight.js';

/** The trailing metadata that tells of a server's load. Source: gRFC A51, https://github.com/grpc/proposal */
const LOAD_REPORT = 'endpoint-load-metrics-bin';

/** Whoever's load is followed. */
export interface Reporting {
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
  note(target: Reporting, trailer: Metadata | undefined): void {
    if (trailer === undefined || target.load?.wants() === false) return;
    const report = trailer.getBytes(LOAD_REPORT);
    if (report === undefined) return;
    target.load ??= new LoadWeight(this.#clock);
    target.load.note(report);
  }

  /** A connection was made: what answers there now may be another process. */
  forget(targets: Iterable<Reporting>): void {
    for (const target of targets) target.load = undefined;
  }
}
