import { describe, expect, it } from '@jest/globals';
import { StaleEtag } from '@rondo/resources/domain';
import { IllegalTransition, ProjectArchived } from './errors.js';
import { changeProject, PROJECT_STATES, PROJECT_TRANSITIONS, type Project, type ProjectState } from './project.js';
import { changeTask, TASK_STATES, TASK_TRANSITIONS, type Task, type TaskState } from './task.js';

const time = new Date(0);
/** The request has no etag. */
const changedSince = () => undefined;
const project: Project = {
  id: 'p',
  title: 'P',
  state: 'ACTIVE',
  ownerId: undefined,
  startDate: undefined,
  dueDate: undefined,
  team: '',
  quoteId: undefined,
  orderId: undefined,
  createTime: time,
  updateTime: time,
  deleteTime: undefined,
  version: 1n,
};
const task: Task = {
  id: 't',
  projectId: 'p',
  title: 'T',
  state: 'OPEN',
  assigneeId: undefined,
  effortMinutes: 0n,
  dependencies: [],
  createTime: time,
  updateTime: time,
  deleteTime: undefined,
  version: 1n,
};

/** The transitions, copied from the contract: PLANNED → ACTIVE → DONE → ARCHIVED and the transitions back. */
const PROJECT_TABLE: Readonly<Record<ProjectState, string>> = {
  PLANNED: 'ACTIVE ARCHIVED',
  ACTIVE: 'PLANNED DONE',
  DONE: 'ACTIVE ARCHIVED',
  ARCHIVED: '',
};
const TASK_TABLE: Readonly<Record<TaskState, string>> = {
  OPEN: 'IN_PROGRESS CANCELLED',
  IN_PROGRESS: 'OPEN DONE CANCELLED',
  DONE: 'IN_PROGRESS',
  CANCELLED: '',
};

const pairs = <State>(states: readonly State[]) => states.flatMap((from) => states.map((to) => [from, to] as const));

describe('the states of a project', () => {
  it.each(pairs(PROJECT_STATES))('%s to %s', (from, to) => {
    const change = () => changeProject({ ...project, state: from }, { id: 'p', fields: { state: to }, changedSince });
    if (from === to || PROJECT_TABLE[from].split(' ').includes(to)) expect(change().state).toBe(to);
    else expect(change).toThrow(IllegalTransition);
  });

  it('are named in the error of an illegal transition', () => {
    const from = { ...project, state: 'DONE' as const };
    expect(() => changeProject(from, { id: 'p', fields: { state: 'PLANNED' }, changedSince })).toThrow(
      "projects/p is DONE and can't become PLANNED; from DONE it can become ACTIVE or ARCHIVED",
    );
    expect(Object.keys(PROJECT_TRANSITIONS)).toEqual([...PROJECT_STATES]);
  });
});

describe('the states of a task', () => {
  it.each(pairs(TASK_STATES))('%s to %s', (from, to) => {
    const change = { projectId: 'p', taskId: 't', fields: { state: to }, changedSince };
    const apply = () => changeTask({ ...task, state: from }, project, change);
    if (from === to || TASK_TABLE[from].split(' ').includes(to)) expect(apply().state).toBe(to);
    else expect(apply).toThrow(IllegalTransition);
    expect(Object.keys(TASK_TRANSITIONS)).toEqual([...TASK_STATES]);
  });
});

describe('a change', () => {
  it('that would not differ returns the same object, also for an archived project', () => {
    const archived = { ...project, state: 'ARCHIVED' as const };
    expect(changeProject(archived, { id: 'p', fields: { title: 'P', state: 'ARCHIVED' }, changedSince })).toBe(
      archived,
    );
    expect(changeTask(task, archived, { projectId: 'p', taskId: 't', fields: { title: 'T' }, changedSince })).toBe(
      task,
    );
  });

  it('of an archived project or its tasks is refused', () => {
    const archived = { ...project, state: 'ARCHIVED' as const };
    const fields = { title: 'New' };
    expect(() => changeProject(archived, { id: 'p', fields, changedSince })).toThrow(ProjectArchived);
    const change = { projectId: 'p', taskId: 't', fields, changedSince };
    expect(() => changeTask(task, archived, change)).toThrow(ProjectArchived);
  });

  it('with a stale etag is refused before anything else', () => {
    const change = { id: 'p', fields: { state: 'ARCHIVED' as const }, changedSince: () => ['title'] };
    expect(() => changeProject(project, change)).toThrow(StaleEtag);
  });
});
