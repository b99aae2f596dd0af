import { RunServiceDefinition as definition, type Run } from '@rondo/contracts/rondo/jobs/v1/runs';
import { listRuns } from '@rondo/operate/internal';
import type { CommandContext } from '../command.js';
import { methodPolicy } from '../generate/options.js';
import { askAll } from '../registry/groups.js';
import { registeredInstances } from '../registry/locate.js';
import { builtContracts } from '../workspace/contracts.js';
import { readManifests } from '../workspace/manifests.js';

/**
 * The newest runs of a service of the workspace that haven't ended, and those that wait for an operator or a build; undefined if it has
 * workflows, and no instance of it can be asked.
 */
export async function openRuns(service: string, context: CommandContext): Promise<readonly Run[] | undefined> {
  const { repository, signal } = context;
  const files = builtContracts(repository);
  const policy = methodPolicy(files);
  const own = readManifests([service], repository)
    .flatMap(({ contracts }) => contracts.flatMap((file) => files.getFile(file)?.services ?? []))
    .filter(({ methods }) => methods.some((method) => policy.of(method)?.workflow !== undefined))
    .map(({ typeName }) => typeName);
  if (own.length === 0) return [];
  try {
    const { instances } = await registeredInstances(context);
    const serving = instances.filter(({ services }) => own.some((one) => services.includes(one)));
    const found = await askAll(serving, { definition, call: (client, how) => listRuns(client, {}, how) }, signal);
    if (found.length === 0) return undefined;
    return found
      .flat()
      .filter(({ endTime, method }) => endTime === undefined && own.includes(method.split('/')[0] ?? ''));
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}
