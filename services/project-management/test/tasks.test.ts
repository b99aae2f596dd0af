import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BadRequest, ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import { ProjectState } from '@rondo/contracts/projects/v1/projects';
import { TaskState } from '@rondo/contracts/projects/v1/tasks';
import { Status } from '@rondo/rpc/status';
import { failureOf, untilAnswered } from '@rondo/rpc/testing';
import { addMember, addProject, type Company, holdRow, startCompany } from './company.js';

const UNKNOWN = 'projects/00000000000000000000';

let company: Company;
beforeAll(async () => {
  company = await startCompany();
});
afterAll(() => company.stop());

async function addTask(title = 'Write') {
  const { name: parent } = await addProject(company);
  return company.tasks.createTask({ parent, task: { title } });
}

/** Archives a project. */
function archive(name: string) {
  return company.projects.updateProject({ project: { name, state: ProjectState.PROJECT_STATE_ARCHIVED } });
}

describe('CreateTask', () => {
  it('adds a task to a project', async () => {
    const ada = await addMember(company);
    const { name: parent } = await addProject(company);
    const task = { title: 'Write', assignee: ada, effortMinutes: 90n };
    const created = await company.tasks.createTask({ parent, task });
    expect(created).toMatchObject({ ...task, state: TaskState.TASK_STATE_OPEN, dependencies: [] });
    expect(created.name.startsWith(`${parent}/tasks/`)).toBe(true);
    expect(await company.tasks.getTask({ name: created.name })).toEqual(created);
  });

  it('reports every violation at once', async () => {
    const task = {
      title: 'x'.repeat(201),
      state: TaskState.TASK_STATE_DONE,
      assignee: 'x',
      effortMinutes: 10_000_001n,
    };
    const failure = await failureOf(company.tasks.createTask({ parent: 'x', task, requestId: 'x' }));
    expect(failure.code).toBe(Status.INVALID_ARGUMENT);
    expect(failure.detail(BadRequest)?.fieldViolations.map(({ field }) => field)).toEqual([
      'parent',
      'task.title',
      'task.assignee',
      'task.effort_minutes',
      'request_id',
      'task.state',
    ]);
  });

  it('refuses an unknown or archived project, and an unknown assignee', async () => {
    const { name: parent } = await addProject(company);
    const task = { title: 'Write' };
    expect((await failureOf(company.tasks.createTask({ parent: UNKNOWN, task }))).code).toBe(Status.NOT_FOUND);
    const assigned = company.tasks.createTask({ parent, task: { ...task, assignee: 'members/nobody' } });
    expect((await failureOf(assigned)).message).toContain("task.assignee: members/nobody doesn't exist");
    await archive(parent);
    const late = await failureOf(company.tasks.createTask({ parent, task }));
    expect(late.code).toBe(Status.FAILED_PRECONDITION);
    expect(late.message).toContain(`${parent} is ARCHIVED`);
  });
});

describe('GetTask', () => {
  it('reports an unknown task, and a task under the name of another project', async () => {
    const { name } = await addTask();
    const elsewhere = name.replace(/^projects\/\w+/, UNKNOWN);
    const failure = await failureOf(company.tasks.getTask({ name: elsewhere }));
    expect(failure.code).toBe(Status.NOT_FOUND);
    expect(failure.message).toBe(`${elsewhere} doesn't exist; list the tasks of a project with ListTasks`);
    const malformed = await failureOf(company.tasks.getTask({ name: 'tasks/x' }));
    expect(malformed.message).toContain('name: must match the pattern `^projects/[a-z0-9][a-z0-9-]{0,62}/tasks/');
  });
});

describe('UpdateTask', () => {
  it('changes the fields that the mask names, and no others', async () => {
    const ada = await addMember(company);
    const { name } = await addTask();
    const updated = await company.tasks.updateTask({
      task: { name, title: 'ignored', assignee: ada, effortMinutes: 5n },
      updateMask: ['assignee', 'effort_minutes'],
    });
    expect(updated).toMatchObject({ title: 'Write', assignee: ada, effortMinutes: 5n });
    const cleared = await company.tasks.updateTask({ task: { name }, updateMask: ['assignee', 'effort_minutes'] });
    expect(cleared).toMatchObject({ assignee: '', effortMinutes: 0n });
    expect(cleared.updateTime?.getTime()).toBeGreaterThan(updated.updateTime?.getTime() ?? 0);
  });

  it('refuses an illegal change of state, and names both states and the allowed ones', async () => {
    const { name } = await addTask();
    const failure = await failureOf(company.tasks.updateTask({ task: { name, state: TaskState.TASK_STATE_DONE } }));
    expect(failure.code).toBe(Status.FAILED_PRECONDITION);
    expect(failure.message).toBe(
      `${name} is OPEN and can't become DONE; from OPEN it can become IN_PROGRESS or CANCELLED`,
    );
  });

  it('refuses a stale etag, an unknown task, an unknown path and an unknown assignee', async () => {
    const { name, etag } = await addTask();
    await company.tasks.updateTask({ task: { name, title: 'First', etag } });
    const stale = await failureOf(company.tasks.updateTask({ task: { name, title: 'Second', etag } }));
    expect(stale.code).toBe(Status.ABORTED);
    expect(stale.message).toBe(`${name} has changed since its etag was read: title; read it again, and try again`);
    expect(stale.detail(ErrorInfo)).toMatchObject({ metadata: { resource: name, changed: 'title' } });
    const unknown = company.tasks.updateTask({ task: { name: `${UNKNOWN}/tasks/x`, title: 'x' } });
    expect((await failureOf(unknown)).code).toBe(Status.NOT_FOUND);
    const masked = company.tasks.updateTask({ task: { name }, updateMask: ['etag'] });
    expect((await failureOf(masked)).message).toBe(
      'update_mask: must be of title, state, assignee, effort_minutes, dependencies; it names "etag"',
    );
    const assigned = company.tasks.updateTask({ task: { name, assignee: 'members/nobody' } });
    expect((await failureOf(assigned)).message).toContain("task.assignee: members/nobody doesn't exist");
  });

  it('does not change a task of an archived project', async () => {
    const { name } = await addTask();
    await archive(name.replace(/\/tasks\/.*/, ''));
    const failure = await failureOf(company.tasks.updateTask({ task: { name, title: 'Late' } }));
    expect(failure.code).toBe(Status.FAILED_PRECONDITION);
  });
});

describe('ListTasks', () => {
  it('lists from the oldest to the newest and misses none, while tasks are created', async () => {
    const { name: parent } = await addProject(company);
    const add = (title: string) => {
      const requestId = randomUUID();
      return untilAnswered(() => company.tasks.createTask({ parent, task: { title }, requestId }));
    };
    const first = await Promise.all(Array.from({ length: 5 }, (_, index) => add(`early ${index}`)));
    const writing = Promise.all(Array.from({ length: 30 }, (_, index) => add(`late ${index}`)));
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await company.tasks.listTasks({ parent, pageSize: 2, pageToken });
      seen.push(...page.tasks.map(({ name }) => name));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    await writing;
    expect(new Set(seen).size).toBe(seen.length);
    expect(new Set(seen.slice(0, 5))).toEqual(new Set(first.map(({ name }) => name)));
    // The listed tasks are the beginning of the final list: no task was inserted between them.
    const all = await company.tasks.listTasks({ parent, pageSize: 100 });
    expect(all.tasks).toHaveLength(35);
    expect(seen).toEqual(all.tasks.slice(0, seen.length).map(({ name }) => name));
  });

  it('shows tasks in the order of their sequence, so that no page misses an earlier task', async () => {
    const ada = await addMember(company);
    const { name: parent } = await addProject(company);
    // The first task already has its sequence number while it waits, as its foreign key is checked last.
    const held = await holdRow(company, 'members', ada);
    const first = company.tasks.createTask({ parent, task: { title: 'first', assignee: ada } });
    await held.waitedForBy(1);
    const second = company.tasks.createTask({ parent, task: { title: 'second' } });
    // A list that has the second task must have the first one too. Otherwise a page would have missed it.
    const listed = second.then(() => company.tasks.listTasks({ parent }));
    await Promise.race([held.waitedForBy(2), listed]);
    await held.release();
    expect((await listed).tasks.map(({ title }) => title)).toEqual(['first', 'second']);
    await first;
  });

  it('keeps times in order, even if the clock goes back', async () => {
    const { name: parent } = await addProject(company);
    const { name } = await company.tasks.createTask({ parent, task: { title: 'Ahead' } });
    await company.database.query(
      "UPDATE tasks SET create_time = '2099-01-01', update_time = '2099-01-01' WHERE project_id = $1",
      [parent.replace('projects/', '')],
    );
    const later = await company.tasks.createTask({ parent, task: { title: 'Later' } });
    expect(later.createTime).toEqual(new Date('2099-01-01T00:00:00Z'));
    const { tasks } = await company.tasks.listTasks({ parent, filter: 'create_time >= "2099-01-01T00:00:00Z"' });
    expect(tasks.map((task) => task.name)).toEqual([name, later.name]);
  });

  it('refuses an unknown project, and the token of another one', async () => {
    const { name: parent } = await company.projects.createProject({
      project: { title: 'Two' },
      tasks: [{ title: 'A' }, { title: 'B' }],
    });
    const { nextPageToken: pageToken } = await company.tasks.listTasks({ parent, pageSize: 1 });
    const { name: other } = await addProject(company);
    expect((await failureOf(company.tasks.listTasks({ parent: other, pageToken }))).message).toContain(
      'page_token: must be',
    );
    expect((await failureOf(company.tasks.listTasks({ parent: UNKNOWN }))).code).toBe(Status.NOT_FOUND);
    expect(await company.tasks.listTasks({ parent: other })).toEqual({ tasks: [], nextPageToken: '' });
  });
});
