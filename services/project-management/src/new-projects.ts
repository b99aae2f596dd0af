import type { CreateProjectRequest, Project, ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import type { Task } from '@rondo/contracts/projects/v1/tasks';
import type { Transaction } from '@rondo/database';
import { type ResourceContext, readDraft } from '@rondo/resources';
import { callPrincipal } from '@rondo/rpc/call';
import { type Handlers, reading } from '@rondo/rpc/server';
import type { FieldAt } from '@rondo/rpc/status';
import { teamOfNew } from './access.js';
import { errors } from './errors.js';
import { insertTasks } from './new-tasks.js';
import { dueDateFault, projects } from './projects.js';
import { requireReferences } from './references.js';
import { tasks } from './tasks.js';

/** A project that is created with its first tasks, by a call or by a delivery. */
export interface NewProject {
  readonly project: Partial<Project>;
  readonly tasks: readonly Partial<Task>[];
}

/** Reads a new project with its first tasks, which have no dependencies, as they have no names yet. */
export function readNewProject(request: Pick<CreateProjectRequest, 'project' | 'tasks'>, field: FieldAt): NewProject {
  const project = readDraft(projects, request, field);
  const fault = dueDateFault(project);
  if (fault !== undefined) field('project.due_date')(fault);
  const first = request.tasks.map((task, index) => {
    const at: FieldAt = (path) => field(`tasks[${index}]${path.slice('task'.length)}`);
    if (task.dependencies.length > 0)
      at('task.dependencies')(
        'must be empty, as the tasks of a new project have no names yet; add it with BatchCreateTasks',
      );
    return readDraft(tasks, { task }, at);
  });
  return { project, tasks: first };
}

/** Inserts a project with its first tasks, or nothing. @throws UnknownReferences, Taken */
export async function insertProject(
  tx: Transaction,
  name: string,
  { project, tasks: first, newId }: NewProject & Pick<ResourceContext, 'newId'>,
): Promise<Project> {
  await requireReferences(tx, [
    { path: 'project.owner', name: project.owner ?? '' },
    ...first.map(({ assignee = '' }, index) => ({ path: `tasks[${index}].assignee`, name: assignee })),
  ]);
  const made = await projects.insert(tx, { ...project, name });
  await insertTasks(
    tx,
    name,
    first.map((task) => ({ ...task, name: `${name}/tasks/${newId()}` })),
  );
  return made;
}

/** Implements CreateProject. */
export function createProject({
  database,
  newId,
}: ResourceContext): Handlers<typeof ProjectServiceDefinition>['createProject'] {
  return reading(readNewProject, ({ project, ...given }, { values }) => {
    const creating = database.transaction(async (tx) => {
      const team = await teamOfNew(tx, values.get(callPrincipal), project.team ?? '');
      return insertProject(tx, projects.nameOf(newId()), { ...given, project: { ...project, team }, newId });
    });
    return errors.withRpcErrors(creating);
  });
}
