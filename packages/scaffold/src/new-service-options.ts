import type { ContractSource } from './contract/index.js';
import type { Progress } from './progress.js';
import type { Workspace } from './workspace.js';

/** What `rondo new service` is asked for. */
export interface NewServiceOptions extends Workspace {
  readonly name: string;
  /** A starter for a new service, and the contracts that it has for one that stands. */
  readonly source: ContractSource | undefined;
  readonly withDatabase: boolean;
  /** The next one that is free by default. */
  readonly port: number | undefined;
  readonly progress: Progress;
}
