import type { ContractSource } from './contract/index.js';
import type { Progress } from './progress.js';
import type { Workspace } from './workspace.js';

/** What `rondo new service` is asked for. */
export interface NewServiceOptions extends Workspace {
  readonly name: string;
  /** By default a contract by the service's name, or else a starter; for a service that stands the contracts that it has. */
  readonly source: ContractSource | undefined;
  readonly withDatabase: boolean;
  /** The next one that is free by default. */
  readonly port: number | undefined;
  readonly progress: Progress;
}
