import { Project, ProjectServiceDefinition, ProjectState } from '@rondo/contracts/projects/v1/projects';
import type { Transaction } from '@rondo/database';
import { defineResource, type ResourceContext, readDate, reference, standardMethods } from '@rondo/resources';
import { differs } from '@rondo/resources/domain';
import { ofTeam } from './access.js';
import { DueBeforeStart, ProjectArchived } from './domain/errors.js';
import { mondayAt } from './domain/planning/days.js';
import { PROJECT_TRANSITIONS, requireTransition } from './domain/states.js';
import { releaseProject } from './member-weeks.js';
import { appendProjectChange } from './project-changes.js';
import { idOf, requireReferences } from './references.js';
import { stateColumn, stateName } from './states.js';

/** What deleted rows of projects and tasks have, by the column that the indexes of their lists begin with. */
export const DELETION = { live: 'NOT deleted', deleted: 'deleted' };

/** Projects: the work that a team delivers. */
export const projects = defineResource(Project, {
  table: 'projects',
  columns: {
    state: stateColumn('PLANNED', 'ACTIVE'),
    owner: reference('members/{member}', 'owner_id'),
    quote: reference('quotes/{quote}', 'quote_id'),
    order: reference('orders/{order}', 'order_id'),
  },
  filter: ['title', 'state', 'owner', 'startDate', 'dueDate', 'quote', 'order', 'createTime'],
  sort: ['createTime', 'title', 'startDate', 'dueDate'],
  visibleTo: ofTeam,
  whenMissing: 'list the projects with ListProjects',
  whenDeleted: 'bring it back with UndeleteProject first, and its tasks with it',
  list: {
    deletion: DELETION,
    // Projects that are created concurrently may have their times in either order, so the list isn't chronological.
    scannedBy: { field: 'owner', withState: true },
    sorted: {
      start_date: "coalesce(start_date, DATE '9999-12-31')",
      due_date: "coalesce(due_date, DATE '9999-12-31')",
    },
  },
});

/** What the methods of projects work with. */
export interface ProjectContext extends ResourceContext {
  readonly now: () => Date;
}

/** The standard methods of projects, except for CreateProject, which creates tasks too. */
export function projectMethods({ now, ...context }: ProjectContext) {
  const { createProject: _, ...methods } = standardMethods(ProjectServiceDefinition, projects, {
    ...context,
    async beforeUpdate(present, fields, { tx }) {
      if (!differs(present, fields)) return undefined;
      const changed: Project = { ...present, ...fields };
      requireChangeable(present, changed);
      if (changed.owner !== present.owner)
        await requireReferences(tx, [{ path: 'project.owner', name: changed.owner }]);
      const id = idOf(present.name);
      if (changed.state === ProjectState.PROJECT_STATE_ARCHIVED) await releaseProject(tx, id);
      if (changed.state === DONE && present.state !== DONE) await releaseProject(tx, id, mondayAt(now()));
      return undefined;
    },
    beforeDelete: ({ name }, { tx }) => releaseProject(tx, idOf(name)),
    async afterWrite(written, { tx }) {
      await appendProjectChange(tx, idOf(written.name));
      return written;
    },
  });
  return methods;
}

const DONE = ProjectState.PROJECT_STATE_DONE;

/** @throws IllegalTransition, ProjectArchived, DueBeforeStart */
function requireChangeable(present: Project, changed: Project): void {
  const [from, to] = [present, changed].map(({ state }) => stateName(projects, state));
  requireTransition(present.name, PROJECT_TRANSITIONS, { from: from ?? '', to: to ?? '' });
  requireNotArchived(present);
  const fault = dueDateFault(changed);
  if (fault !== undefined) throw new DueBeforeStart(fault);
}

/** What is wrong with the due date; undefined if it is valid. */
export function dueDateFault({
  startDate,
  dueDate,
}: Pick<Partial<Project>, 'startDate' | 'dueDate'>): string | undefined {
  const [start, due] = [startDate, dueDate].map((date) => readDate(() => undefined, date));
  if (start === undefined || due === undefined || start <= due) return undefined;
  return `must not be before start_date: ${due} is before ${start}`;
}

/** Locks and reads a project; undefined if there is none. */
export async function lockProject(
  tx: Transaction,
  name: string,
  strength: 'SHARE' | 'NO KEY UPDATE',
): Promise<Project | undefined> {
  const sql = `${projects.select} WHERE id = $1 FOR ${strength}`;
  const options = { name: `lock_project_${strength === 'SHARE' ? 'share' : 'update'}` };
  const row = await tx.maybeOne<Record<string, unknown>>(sql, projects.idsIn(name), options);
  return row && projects.toResource(row);
}

/** Checks that a project's tasks and reservations may change. @throws StillDeleted, ProjectArchived */
export function requireOpen(project: Project): void {
  projects.requireLive(project);
  requireNotArchived(project);
}

function requireNotArchived({ name, state }: Project): void {
  if (state === ProjectState.PROJECT_STATE_ARCHIVED) throw new ProjectArchived(name);
}
