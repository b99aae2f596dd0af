import type { Stub } from './render/index.js';

/** What came of `rondo new service`, for a service that is new and one that stood. */
export interface NewServiceOutcome {
  readonly service: string;
  /** Where it listens with the usual base port. */
  readonly port: number;
  /** What was written, as paths from the repository's root. */
  readonly files: readonly string[];
  /** The methods that are to be written next, each with the file of its handler. */
  readonly methods: readonly Stub[];
  /** Contracts that keep a style of their own from now on. */
  readonly exempt: readonly string[];
}
