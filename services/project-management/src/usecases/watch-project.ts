import { type ProjectEvent, type ProjectSnapshot, resourceOf } from '../domain/change.js';
import type { Ports } from '../domain/ports.js';
import { foundProject } from './found.js';

/**
 * Follows a project: a snapshot, then each change after it.
 *
 * The subscription begins before the snapshot is read, so no change falls between the two; what the snapshot has
 * already, or a newer change has overtaken, is told by its version and left out. Ends by failing when `signal` aborts.
 *
 * @throws NotFound.
 */
export async function* watchProject(
  { projects, changes }: Pick<Ports, 'projects' | 'changes'>,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<ProjectEvent, void, undefined> {
  const subscription = changes.subscribe(id, signal);
  try {
    const snapshot = foundProject(await projects.snapshot(id), id);
    yield { kind: 'snapshot', ...snapshot };
    const told = versionsOf(snapshot);
    for await (const change of subscription) {
      const resource = resourceOf(change);
      if (resource.version <= (told.get(resource.id) ?? 0n)) continue;
      told.set(resource.id, resource.version);
      yield change;
    }
  } finally {
    subscription.close();
  }
}

function versionsOf({ project, tasks }: ProjectSnapshot): Map<string, bigint> {
  return new Map([project, ...tasks].map(({ id, version }) => [id, version]));
}
