import { Task, TaskServiceDefinition } from '@rondo/contracts/projects/v1/tasks';
import type { Transaction } from '@rondo/database';
import { defineResource, type ResourceContext, readOnly, reference, standardMethods } from '@rondo/resources';
import { differs } from '@rondo/resources/domain';
import { UnknownReferences } from './domain/errors.js';
import { requireTransition, TASK_TRANSITIONS } from './domain/states.js';
import { appendTaskChanges } from './project-changes.js';
import { DELETION, lockProject, projects, requireOpen } from './projects.js';
import { idOf, type ReferenceField, requireReferences } from './references.js';
import { stateColumn, stateName } from './states.js';
import { replaceDependencies, requireNoneDeleted, requireNotNeeded } from './task-dependencies.js';

/** Tasks: the units of work of a project. Those of a deleted project are hidden without a `delete_time` of their own. */
export const tasks = defineResource(Task, {
  table: 'tasks',
  columns: {
    state: stateColumn('OPEN', 'IN_PROGRESS'),
    assignee: reference('members/{member}', 'assignee_id'),
    dependencies: readOnly(['project_id', 'dependencies'], ([project, ids]) =>
      Array.isArray(ids) ? ids.map((id) => `projects/${project}/tasks/${id}`) : [],
    ),
  },
  filter: ['title', 'state', 'assignee', 'effortMinutes', 'createTime'],
  sort: ['createTime', 'title', 'effortMinutes'],
  whenMissing: 'list the tasks of a project with ListTasks',
  whenDeleted: 'bring it back with UndeleteTask first',
  list: {
    order: 'the oldest first',
    deletion: DELETION,
    scannedBy: { field: 'assignee', withState: true },
    // Times never decrease along the sequence of a project.
    sorted: { create_time: 'sequence' },
    chronological: {
      field: 'create_time',
      firstPosition: (comparator, value) =>
        `coalesce((SELECT sequence FROM tasks WHERE project_id = $3 AND create_time ${comparator} ${value}
           ORDER BY create_time, sequence LIMIT 1), ${2n ** 63n - 1n})`,
    },
  },
  derived: {
    columns: (row) => `ARRAY(SELECT depends_on_id FROM task_dependencies AS edge
      WHERE edge.project_id = ${row}.project_id AND edge.task_id = ${row}.id ORDER BY place) AS dependencies`,
  },
});

/** The standard methods of tasks, except for CreateTask. What changes a task locks its project too: see {@link lockOpen}. */
export function taskMethods(context: ResourceContext) {
  const { database } = context;
  const { createTask: _, ...methods } = standardMethods(TaskServiceDefinition, tasks, {
    ...context,
    async afterList(page, { parents: [projectId = ''], query }) {
      const sql = 'SELECT deleted FROM projects WHERE id = $1';
      const project = await database.maybeOne<{ deleted: boolean }>(sql, [projectId]);
      if (project === undefined) throw projects.missing(projects.nameOf(projectId));
      return project.deleted && !query.showDeleted ? { items: [], next: undefined } : page;
    },
    beforeUpdate: (present, fields, { tx }) => changeTask(tx, present, fields),
    async beforeDelete({ name }, { tx }) {
      await lockOpen(tx, name, 'NO KEY UPDATE');
      await requireNotNeeded(tx, taskIdIn(name));
    },
    // An undeleted task can't close a circle: no task that isn't deleted depends on it.
    async beforeUndelete({ name, dependencies }, { tx }) {
      await lockOpen(tx, name, 'NO KEY UPDATE');
      await requireNoneDeleted(tx, taskIdIn(name), dependencies.map(idOf));
    },
    async afterWrite(written, { tx }) {
      const { projectId, taskId } = taskIdIn(written.name);
      await appendTaskChanges(tx, projectId, [taskId]);
      return written;
    },
  });
  return methods;
}

function taskIdIn(name: string) {
  const [projectId = '', taskId = ''] = tasks.idsIn(name);
  return { projectId, taskId };
}

const projectOf = (task: string): string => task.slice(0, task.indexOf('/tasks/'));

/**
 * Locks the project of a task, which must be open. A change of dependencies, and the creation or deletion of a task, takes NO KEY
 * UPDATE, which excludes all other changes of the project's tasks. Any other change of a task takes SHARE, which admits changes of
 * other tasks.
 */
async function lockOpen(tx: Transaction, task: string, strength: 'SHARE' | 'NO KEY UPDATE'): Promise<void> {
  const project = await lockProject(tx, projectOf(task), strength);
  if (project === undefined) throw tasks.missing(task);
  requireOpen(project);
}

async function changeTask(tx: Transaction, present: Task, fields: Partial<Task>): Promise<undefined> {
  if (!differs(present, fields)) return undefined;
  const { name } = present;
  const changed: Task = { ...present, ...fields };
  const rewires = differs(present, { dependencies: changed.dependencies });
  await lockOpen(tx, name, rewires ? 'NO KEY UPDATE' : 'SHARE');
  const [from = '', to = ''] = [present, changed].map(({ state }) => stateName(tasks, state));
  requireTransition(name, TASK_TRANSITIONS, { from, to });
  const dependencies = rewires ? dependencyFields('task', changed) : [];
  const foreign = foreignAmong(dependencies, projectOf(name));
  if (foreign.length > 0) throw new UnknownReferences(foreign);
  await requireReferences(tx, [
    ...(changed.assignee === present.assignee ? [] : [{ path: 'task.assignee', name: changed.assignee }]),
    ...dependencies.filter(({ name: on }) => on !== name),
  ]);
  const { projectId, taskId } = taskIdIn(name);
  if (rewires) await replaceDependencies(tx, projectId, { id: taskId, dependencies: changed.dependencies.map(idOf) });
  return undefined;
}

/** What is wrong with dependencies that aren't tasks of the same project. */
export function foreignAmong(dependencies: readonly ReferenceField[], project: string): UnknownReferences['faults'] {
  return dependencies
    .filter(({ name }) => !name.startsWith(`${project}/tasks/`))
    .map(({ path, name }) => ({
      field: path,
      description: `must be a task of the same project, ${project}; it is "${name}"`,
    }));
}

/** The fields of a task that name its dependencies. @param path the task's in the request */
export function dependencyFields(path: string, { dependencies = [] }: Partial<Task>): readonly ReferenceField[] {
  return dependencies.map((name, index) => ({ path: `${path}.dependencies[${index}]`, name }));
}
