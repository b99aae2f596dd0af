import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BadRequest, ResourceInfo } from '@rondo/contracts/google/rpc/error_details';
import { ProjectState } from '@rondo/contracts/projects/v1/projects';
import { TaskState } from '@rondo/contracts/projects/v1/tasks';
import { Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { addMember, addProject, type Company, startCompany } from './company.js';

let company: Company;
beforeAll(async () => {
  company = await startCompany();
});
afterAll(() => company.stop());

describe('task_id', () => {
  it('is the last part of the name, and unique within a project', async () => {
    const [one, two] = [await addProject(company), await addProject(company)];
    const create = (parent: string) => company.tasks.createTask({ parent, taskId: 'plan-1', task: { title: 'T' } });
    expect((await create(one.name)).name).toBe(`${one.name}/tasks/plan-1`);
    expect((await create(two.name)).name).toBe(`${two.name}/tasks/plan-1`);
    const taken = await failureOf(create(one.name));
    expect(taken.code).toBe(Status.ALREADY_EXISTS);
    expect(taken.message).toContain(`${one.name} already has the tasks plan-1, deleted ones included`);
    await company.tasks.deleteTask({ name: `${one.name}/tasks/plan-1` });
    expect((await failureOf(create(one.name))).code).toBe(Status.ALREADY_EXISTS);
  });

  it('goes to one of ten concurrent creates', async () => {
    const { name: parent } = await addProject(company);
    const request = { parent, taskId: 'same', task: { title: 'T' } };
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) =>
        (index % 2 ? company.tasks : company.tasksElsewhere).createTask(request),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set([Status.ALREADY_EXISTS]));
  });

  it.each(['A', '-a', 'a/b', 'a'.repeat(64), 'ä'])('must not be "%s"', async (taskId) => {
    const { name: parent } = await addProject(company);
    const failure = await failureOf(company.tasks.createTask({ parent, taskId, task: { title: 'T' } }));
    expect(failure.message).toContain('task_id: must match the pattern');
  });
});

describe('BatchCreateTasks', () => {
  it('creates tasks in order, which may depend on each other and on existing tasks', async () => {
    const ada = await addMember(company);
    const { name: parent } = await addProject(company);
    const there = await company.tasks.createTask({ parent, task: { title: 'There' } });
    const build = `${parent}/tasks/build`;
    const { tasks } = await company.tasks.batchCreateTasks({
      parent,
      requests: [
        { task: { title: 'Ship', assignee: ada, dependencies: [build, there.name] } },
        { parent, taskId: 'build', task: { title: 'Build', effortMinutes: 5n } },
      ],
    });
    expect(tasks.map(({ title }) => title)).toEqual(['Ship', 'Build']);
    expect(tasks[0]).toMatchObject({ assignee: ada, dependencies: [build, there.name] });
    expect(tasks[1]).toMatchObject({ name: build, effortMinutes: 5n });
    expect((await company.tasks.listTasks({ parent })).tasks).toEqual([there, ...tasks]);
  });

  it('accepts 1,000 tasks', async () => {
    const { name: parent } = await addProject(company);
    const requests = Array.from({ length: 1_000 }, (_, index) => ({ task: { title: `Task ${index}` } }));
    const { tasks } = await company.tasks.batchCreateTasks({ parent, requests });
    expect(tasks.map(({ title }) => title)).toEqual(requests.map(({ task }) => task.title));
    const many = await failureOf(company.tasks.batchCreateTasks({ parent, requests: [...requests, ...requests] }));
    expect(many.message).toContain('requests: must contain no more than 1000 items');
    expect((await failureOf(company.tasks.batchCreateTasks({ parent, requests: [] }))).message).toContain(
      'requests: must contain at least 1 item',
    );
  });

  it('reports every violation at once', async () => {
    const failure = await failureOf(
      company.tasks.batchCreateTasks({
        parent: 'x',
        requests: [
          { parent: 'projects/other', taskId: 'twice', task: { title: '' } },
          {
            taskId: 'twice',
            task: { title: 'T', state: TaskState.TASK_STATE_DONE, assignee: 'x', effortMinutes: -1n },
            requestId: randomUUID(),
          },
          { taskId: '-' },
        ],
        requestId: 'x',
      }),
    );
    expect(failure.code).toBe(Status.INVALID_ARGUMENT);
    expect(failure.detail(BadRequest)?.fieldViolations.map(({ field }) => field)).toEqual([
      'parent',
      'requests[1].task.assignee',
      'requests[1].task.effort_minutes',
      'requests[2].task_id',
      'request_id',
      'requests[0].parent',
      'requests[0].task.title',
      'requests[1].task_id',
      'requests[1].task.state',
      'requests[1].request_id',
      'requests[2].task.title',
    ]);
  });

  it('creates nothing if there is an unknown reference, a taken id or a circle', async () => {
    const { name: parent } = await addProject(company);
    await company.tasks.createTask({ parent, taskId: 'taken', task: { title: 'There' } });
    const fine = { taskId: 'fine', task: { title: 'Fine' } };
    const nameOf = (id: string) => `${parent}/tasks/${id}`;
    const batch = (...requests: object[]) =>
      failureOf(company.tasks.batchCreateTasks({ parent, requests: [fine, ...requests] }));
    const unknown = await batch(
      { task: { title: 'T', assignee: 'members/nobody' } },
      { task: { title: 'T', dependencies: [nameOf('fine'), nameOf('none')] } },
    );
    expect(unknown.detail(BadRequest)?.fieldViolations.map(({ field }) => field)).toEqual([
      'requests[1].task.assignee',
      'requests[2].task.dependencies[1]',
    ]);
    expect((await batch({ taskId: 'taken', task: { title: 'T' } })).code).toBe(Status.ALREADY_EXISTS);
    const circle = await batch(
      { taskId: 'a', task: { title: 'T', dependencies: [nameOf('b')] } },
      { taskId: 'b', task: { title: 'T', dependencies: [nameOf('fine'), nameOf('a')] } },
    );
    expect(circle.code).toBe(Status.FAILED_PRECONDITION);
    expect(circle.message).toContain('a → b → a');
    expect((await company.tasks.listTasks({ parent })).tasks).toHaveLength(1);
  });

  it('turns twenty concurrent equal requests into one batch, and returns the first response to each', async () => {
    const { name: parent } = await addProject(company);
    const requests = [
      { taskId: 'a', task: { title: 'A', dependencies: [`${parent}/tasks/b`] } },
      { taskId: 'b', task: { title: 'B' } },
    ];
    const request = { parent, requests, requestId: randomUUID() };
    const responses = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 ? company.tasks : company.tasksElsewhere).batchCreateTasks(request),
      ),
    );
    for (const response of responses) expect(response).toEqual(responses[0]);
    await company.tasks.updateTask({ task: { name: `${parent}/tasks/a`, title: 'Later' } });
    expect(await company.tasks.batchCreateTasks(request)).toEqual(responses[0]);
    const other = { ...request, requests: [...requests].reverse() };
    expect((await failureOf(company.tasks.batchCreateTasks(other))).code).toBe(Status.ALREADY_EXISTS);
    // CreateTask has its own set of request ids.
    await company.tasks.createTask({ parent, task: { title: 'C' }, requestId: request.requestId });
  });

  it('refuses an unknown, a deleted and an archived project', async () => {
    const requests = [{ task: { title: 'T' } }];
    const unknown = await failureOf(company.tasks.batchCreateTasks({ parent: 'projects/none', requests }));
    expect(unknown.code).toBe(Status.NOT_FOUND);
    expect(unknown.detail(ResourceInfo)?.resourceName).toBe('projects/none');
    const { name: parent } = await addProject(company);
    await company.projects.deleteProject({ name: parent });
    const deleted = await failureOf(company.tasks.batchCreateTasks({ parent, requests }));
    expect(deleted.code).toBe(Status.FAILED_PRECONDITION);
    expect(deleted.message).toContain('bring it back with UndeleteProject');
    const { name: archived } = await addProject(company);
    await company.projects.updateProject({ project: { name: archived, state: ProjectState.PROJECT_STATE_ARCHIVED } });
    expect((await failureOf(company.tasks.batchCreateTasks({ parent: archived, requests }))).code).toBe(
      Status.FAILED_PRECONDITION,
    );
  });
});
