import { RunServiceDefinition as definition, type Run } from '@rondo/contracts/rondo/jobs/v1/runs';
import { listRuns } from '@rondo/operate/internal';
import type { CommandContext } from '../command.js';
import { methodPolicy } from '../generate/options.js';
import { askGroup, groupsOf } from '../registry/groups.js';
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
    const groups = groupsOf(serving, definition.fullName);
    if (groups.length === 0) return undefined;
    const call: Parameters<typeof askGroup<typeof definition, readonly Run[]>>[1]['call'] = (client, options) =>
      listRuns(client, {}, options);
    const found = await Promise.all(groups.map((group) => askGroup(group, { definition, call }, signal)));
    return found
      .flat()
      .filter(({ endTime, method }) => endTime === undefined && own.includes(method.split('/')[0] ?? ''));
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}
