import { AlreadyExists, WrongState } from '@rondo/resources/domain';
import type { Circle } from './dependencies.js';

/** The maximum number of tasks that an error names. A status must fit into a header block that every client accepts. */
const MAX_NAMED = 8;

/** Tasks would depend on each other in a circle. */
export class DependencyCircle extends WrongState {
  override readonly rule = 'DEPENDENCY';

  constructor(project: string, circle: Circle) {
    const [first, ...others] = circle;
    const named = others.slice(0, MAX_NAMED);
    const left = others.length - named.length;
    const way = [first, ...named, ...(left > 0 ? [`${left} more`] : []), first].join(' → ');
    super(
      `${project}/tasks/${first}`,
      `tasks of ${project} would depend on each other in a circle: ${way}; leave out one of these dependencies`,
    );
  }
}

/** A task can't be deleted while other tasks depend on it. */
export class TaskNeeded extends WrongState {
  override readonly rule = 'DEPENDENCY';

  constructor(task: string, dependentIds: readonly string[]) {
    super(
      task,
      `${task} can't be deleted, as other tasks depend on it: ${nameIds(dependentIds)}; take it from their ` +
        'dependencies, or delete them first',
    );
  }
}

/** A task can't be undeleted while tasks that it depends on are deleted. */
export class NeedsDeletedTasks extends WrongState {
  override readonly rule = 'DEPENDENCY';

  constructor(task: string, deletedIds: readonly string[]) {
    super(
      task,
      `${task} can't be undeleted, as it depends on deleted tasks: ${nameIds(deletedIds)}; undelete them with ` +
        'UndeleteTask first',
    );
  }
}

/** Other tasks of the project have the requested ids. */
export class TaskIdsTaken extends AlreadyExists {
  constructor(project: string, ids: readonly string[]) {
    super(
      `${project} already has the tasks ${nameIds(ids)}, deleted ones included; choose a task_id that ` +
        'is free, or leave it empty to get one',
    );
  }
}

function nameIds(ids: readonly string[]): string {
  const named = ids.slice(0, MAX_NAMED).join(', ');
  return ids.length > MAX_NAMED ? `${named} and others` : named;
}
