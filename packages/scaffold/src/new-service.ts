import { existsSync } from 'node:fs';
import path from 'node:path';
import { type CreatedService, createService } from './create-service.js';
import { checkName } from './name.js';
import type { NewServiceOptions } from './new-service-options.js';
import { type UpdatedService, updateService } from './update-service.js';

/**
 * Makes a service from a contract, or brings the one of that name up to date with its contracts. Where it fails, the
 * tree is as it was.
 *
 * @throws Refusal for what can't be done, before anything is written; ProgramFailed where the tree doesn't take it.
 */
export function newService(options: NewServiceOptions): Promise<CreatedService | UpdatedService> {
  checkName(options.name);
  const stands = existsSync(path.join(options.root, 'services', options.name, 'package.json'));
  return stands ? updateService(options) : createService(options);
}
