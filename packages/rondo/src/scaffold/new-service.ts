import { existsSync } from 'node:fs';
import path from 'node:path';
import type { FirstResource } from './add-resource.js';
import type { ContractSource } from './contract/find-source.js';
import { type CreatedService, createService } from './create-service.js';
import { Refusal } from './errors.js';
import { checkName } from './name.js';
import type { Stub } from './render/app.js';
import { type UpdatedService, updateService } from './update-service.js';
import type { Progress, Workspace } from './workspace.js';

/**
 * Creates a service from a contract, or updates the existing service of that name to its contracts. If it fails, the
 * tree is unchanged.
 *
 * @throws Refusal for what isn't possible, before anything is written. ProgramFailed if installing or building fails.
 */
export function newService(options: NewServiceOptions): Promise<CreatedService | UpdatedService> {
  checkName(options.name);
  const stands = existsSync(path.join(options.root, 'services', options.name, 'package.json'));
  if (stands && options.resource !== undefined)
    throw new Refusal(`${options.name} exists already`, {
      remedy: `add to it: rondo new resource ${options.resource.name} --service ${options.name}`,
    });
  return stands ? updateService(options) : createService(options);
}

/** The options of `rondo new service`. */
export interface NewServiceOptions extends Workspace {
  readonly name: string;
  /**
   * The contract. By default the contract at the service's default path, or else a starter contract; for an existing
   * service the contracts that it has.
   */
  readonly source: ContractSource | undefined;
  readonly withDatabase: boolean;
  /** A resource whose contract the new service has in place of the starter contract. */
  readonly resource?: FirstResource | undefined;
  /** The port; by default the next free one. */
  readonly port: number | undefined;
  readonly progress: Progress;
}

/** The result of `rondo new service`, for a new service and for an existing one. */
export interface NewServiceOutcome {
  readonly service: string;
  /** The port that it listens on with the default base port. */
  readonly port: number;
  /** The files that were written, as paths from the repository's root. */
  readonly files: readonly string[];
  /** The methods to implement next, each with the file of its handler. */
  readonly methods: readonly Stub[];
  /** Contracts that are exempt from the style rules from now on. */
  readonly exempt: readonly string[];
}
