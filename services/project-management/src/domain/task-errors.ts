import type { Circle } from './dependencies.js';
import { DomainError, WrongState } from './errors.js';
import { projectName, taskName } from './names.js';

/** How many tasks an error names: a status has to fit into a header block that every client takes. */
const MAX_NAMED = 8;

/** Tasks would wait for each other in a circle. */
export class DependencyCircle extends WrongState {
  override readonly name = 'DependencyCircle';
  override readonly rule = 'DEPENDENCY';

  constructor(projectId: string, circle: Circle) {
    const [first, ...others] = circle;
    const named = others.slice(0, MAX_NAMED);
    const left = others.length - named.length;
    const way = [first, ...named, ...(left > 0 ? [`${left} more`] : []), first].join(' → ');
    super(
      taskName({ projectId, taskId: first }),
      `tasks of ${projectName(projectId)} would wait for each other in a circle: ${way}; leave out one of these ` +
        'dependencies',
    );
  }
}

/** A task that others depend on was to be deleted. */
export class TaskNeeded extends WrongState {
  override readonly name = 'TaskNeeded';
  override readonly rule = 'DEPENDENCY';

  constructor(task: string, dependentIds: readonly string[]) {
    super(
      task,
      `${task} can't be deleted, as other tasks depend on it: ${nameIds(dependentIds)}; take it from their ` +
        'dependencies, or delete them first',
    );
  }
}

/** A task was to come back that depends on deleted ones. */
export class NeedsDeletedTasks extends WrongState {
  override readonly name = 'NeedsDeletedTasks';
  override readonly rule = 'DEPENDENCY';

  constructor(task: string, deletedIds: readonly string[]) {
    super(
      task,
      `${task} can't come back, as it depends on deleted tasks: ${nameIds(deletedIds)}; bring these back with ` +
        'UndeleteTask first',
    );
  }
}

/** Tasks of the project have the ids that were asked for. */
export class TaskIdsTaken extends DomainError {
  override readonly name = 'TaskIdsTaken';

  constructor(projectId: string, ids: readonly string[]) {
    super(
      `${projectName(projectId)} has tasks ${nameIds(ids)} already, deleted ones included; give others a task_id that ` +
        'is free, or none to have one made',
    );
  }
}

function nameIds(ids: readonly string[]): string {
  const named = ids.slice(0, MAX_NAMED).join(', ');
  return ids.length > MAX_NAMED ? `${named} and others` : named;
}
