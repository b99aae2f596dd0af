import {
  type CalendarDate,
  type ChangedSince,
  type Deletable,
  differs,
  requireUnchanged,
} from '@rondo/resources/domain';
import { DueBeforeStart, ProjectArchived, ProjectDeleted } from './errors.js';
import { projectName } from './names.js';
import { requireTransition, type Transitions } from './preconditions.js';

/** Every state of a project. */
export const PROJECT_STATES = ['PLANNED', 'ACTIVE', 'DONE', 'ARCHIVED'] as const;

export type ProjectState = (typeof PROJECT_STATES)[number];

/** The states that may follow each state. */
export const PROJECT_TRANSITIONS: Transitions<ProjectState> = {
  PLANNED: ['ACTIVE', 'ARCHIVED'],
  ACTIVE: ['PLANNED', 'DONE'],
  DONE: ['ACTIVE', 'ARCHIVED'],
  ARCHIVED: [],
};

/** The states in which a project can be created. */
export const FIRST_PROJECT_STATES: readonly ProjectState[] = ['PLANNED', 'ACTIVE'];

/** The fields of a project that a caller sets. */
export interface ProjectFields {
  readonly title: string;
  readonly state: ProjectState;
  /** The id of a member. */
  readonly ownerId: string | undefined;
  readonly startDate: CalendarDate | undefined;
  readonly dueDate: CalendarDate | undefined;
  /** The team whose members see the project. The empty name is a team too. */
  readonly team: string;
}

/** What of sales a project delivers, by ids; undefined for a project that no quote has made. */
export interface SalesLinks {
  readonly quoteId: string | undefined;
  readonly orderId: string | undefined;
}

/** A project before it is stored. */
export interface NewProject extends ProjectFields, SalesLinks {
  readonly id: string;
}

/** A project: work that is delivered as a whole. */
export interface Project extends NewProject, Deletable {}

/** A requested change. It sets the fields that are present, also to undefined, and keeps the others. */
export interface ProjectChange {
  readonly id: string;
  readonly fields: Partial<ProjectFields>;
  readonly changedSince: ChangedSince<Project>;
}

/**
 * The project after a change. If nothing would differ, it returns the same object.
 *
 * @throws StaleEtag, ProjectDeleted, IllegalTransition, ProjectArchived, DueBeforeStart.
 */
export function changeProject(project: Project, { fields, changedSince }: ProjectChange): Project {
  const name = projectName(project.id);
  requireUnchanged(name, project, changedSince);
  if (project.deleteTime !== undefined) throw new ProjectDeleted(name);
  if (!differs(project, fields)) return project;
  const changed: Project = { ...project, ...fields };
  requireTransition(name, PROJECT_TRANSITIONS, { from: project.state, to: changed.state });
  requireNotArchived(project);
  const fault = dueDateFault(changed);
  if (fault !== undefined) throw new DueBeforeStart(fault);
  return changed;
}

/** Checks that the project's tasks may change. @throws ProjectDeleted, ProjectArchived. */
export function requireOpen(project: Project): void {
  if (project.deleteTime !== undefined) throw new ProjectDeleted(projectName(project.id));
  requireNotArchived(project);
}

function requireNotArchived({ id, state }: Project): void {
  if (state === 'ARCHIVED') throw new ProjectArchived(projectName(id));
}

/** What is wrong with the due date; undefined if it is valid. */
export function dueDateFault({ startDate, dueDate }: Pick<ProjectFields, 'startDate' | 'dueDate'>): string | undefined {
  if (startDate === undefined || dueDate === undefined || startDate <= dueDate) return undefined;
  return `must not be before start_date: ${dueDate} is before ${startDate}`;
}
