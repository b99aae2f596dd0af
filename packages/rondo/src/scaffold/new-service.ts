import { existsSync } from 'node:fs';
import path from 'node:path';
import { type CreatedService, createService, type NewServiceOptions } from './create-service.js';
import { Refusal } from './errors.js';
import { checkName } from './name.js';
import { type UpdatedService, updateService } from './update-service.js';

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
