import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ProjectState } from '@rondo/contracts/projects/v1/projects';
import { Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { addMember, addProject, type Company, startCompany } from './company.js';

let company: Company;
beforeAll(async () => {
  company = await startCompany();
});
afterAll(() => company.stop());

function times<T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => make(index)));
}

async function rowsWithTitle(table: 'projects' | 'tasks', title: string): Promise<bigint> {
  const sql = `SELECT count(*) AS rows FROM ${table} WHERE title = $1`;
  const { rows } = await company.database.one<{ rows: bigint }>(sql, [title]);
  return rows;
}

describe('request_id', () => {
  it('turns twenty concurrent creates of a project into one project and twenty equal responses', async () => {
    const requestId = randomUUID();
    const owner = await addMember(company);
    const project = { title: 'Raced', owner, startDate: { year: 2025, month: 1, day: 1 } };
    const request = { project, tasks: [{ title: 'Raced task', effortMinutes: 7n }], requestId };
    const responses = await times(20, () => company.projects.createProject(request));
    expect(new Set(responses.map(({ name }) => name)).size).toBe(1);
    for (const response of responses) expect(response).toEqual(responses[0]);
    expect(await rowsWithTitle('projects', 'Raced')).toBe(1n);
    expect(await rowsWithTitle('tasks', 'Raced task')).toBe(1n);
  });

  it('does the same for tasks and members', async () => {
    const requestId = randomUUID();
    const { name: parent } = await addProject(company);
    const tasks = await times(20, () => company.tasks.createTask({ parent, task: { title: 'One task' }, requestId }));
    for (const task of tasks) expect(task).toEqual(tasks[0]);
    expect(await rowsWithTitle('tasks', 'One task')).toBe(1n);
    const member = { displayName: 'One', email: 'one@example.com', weeklyCapacityMinutes: 60n };
    const members = await times(20, () => company.team.createMember({ member, requestId }));
    for (const one of members) expect(one).toEqual(members[0]);
  });

  it('returns the first response, although the project has changed', async () => {
    const requestId = randomUUID();
    const request = { project: { title: 'First' }, requestId };
    const first = await company.projects.createProject(request);
    await company.projects.updateProject({
      project: { name: first.name, title: 'Later', state: ProjectState.PROJECT_STATE_ARCHIVED },
    });
    expect(await company.projects.createProject({ ...request, requestId: requestId.toUpperCase() })).toEqual(first);
  });

  it('returns the first response to a repeated CreateTask, although the project is archived', async () => {
    const { name: parent } = await addProject(company);
    const request = { parent, task: { title: 'Before' }, requestId: randomUUID() };
    const first = await company.tasks.createTask(request);
    await company.projects.updateProject({ project: { name: parent, state: ProjectState.PROJECT_STATE_ARCHIVED } });
    expect(await company.tasks.createTask(request)).toEqual(first);
  });

  it('refuses the same id with a different request', async () => {
    const requestId = randomUUID();
    const project = { title: 'Body' };
    await company.projects.createProject({ project, requestId });
    const otherTitle = company.projects.createProject({ project: { title: 'Other' }, requestId });
    const otherTasks = company.projects.createProject({ project, tasks: [{ title: 'More' }], requestId });
    for (const failure of await Promise.all([otherTitle, otherTasks].map(failureOf))) {
      expect(failure.code).toBe(Status.ALREADY_EXISTS);
      expect(failure.message).toContain(`request_id ${requestId} was used for another request`);
    }
    expect(await rowsWithTitle('projects', 'Other')).toBe(0n);
  });

  it('is not used up by a failed call', async () => {
    const requestId = randomUUID();
    const task = { title: 'Retried' };
    const failed = company.tasks.createTask({ parent: 'projects/none', task, requestId });
    expect((await failureOf(failed)).code).toBe(Status.NOT_FOUND);
    const { name: parent } = await addProject(company);
    expect(await company.tasks.createTask({ parent, task, requestId })).toMatchObject(task);
  });

  it('is optional: without one each call creates a project', async () => {
    const [one, two] = await times(2, () => addProject(company, 'Twice'));
    expect(one?.name).not.toBe(two?.name);
  });
});
