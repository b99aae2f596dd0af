import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import { ProjectState } from '@rondo/contracts/projects/v1/projects';
import { TaskState } from '@rondo/contracts/projects/v1/tasks';
import { Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { addMember, addProject, holdRow, testCompany } from './company.js';

const UNKNOWN = 'projects/00000000000000000000';

const company = testCompany();

async function addTask(title = 'Write') {
  const { name: parent } = await addProject(company);
  return company.tasks.createTask({ parent, task: { title } });
}

/** Archives a project. */
function archive(name: string) {
  return company.projects.updateProject({ project: { name, state: ProjectState.PROJECT_STATE_ARCHIVED } });
}

describe('CreateTask', () => {
  it('adds a task to a project, once per request id', async () => {
    const ada = await addMember(company);
    const { name: parent } = await addProject(company);
    const task = { title: 'Write', assignee: ada, effortMinutes: 90n };
    const request = { parent, task, requestId: randomUUID() };
    const created = await company.tasks.createTask(request);
    expect(await company.tasks.createTask(request)).toEqual(created);
    expect(created).toMatchObject({ ...task, state: TaskState.TASK_STATE_OPEN, dependencies: [] });
    expect(created.name.startsWith(`${parent}/tasks/`)).toBe(true);
    expect(await company.tasks.getTask({ name: created.name })).toEqual(created);
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

describe('UpdateTask', () => {
  it('refuses an illegal change of state, a deleted assignee, and any change in an archived project', async () => {
    const { name } = await addTask();
    const refusal = (task: object) => failureOf(company.tasks.updateTask({ task: { name, ...task } }));
    const illegal = await refusal({ state: TaskState.TASK_STATE_DONE });
    expect(illegal.code).toBe(Status.FAILED_PRECONDITION);
    expect(illegal.message).toContain(
      "is OPEN and can't become DONE; from OPEN it can become IN_PROGRESS or CANCELLED",
    );
    const gone = await addMember(company);
    await company.team.deleteMember({ name: gone });
    expect((await refusal({ assignee: gone })).message).toContain(
      `task.assignee: ${gone} doesn't exist, or is deleted`,
    );
    await archive(name.replace(/\/tasks\/.*/, ''));
    expect((await refusal({ title: 'Late' })).code).toBe(Status.FAILED_PRECONDITION);
  });
});

describe('ListTasks', () => {
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
});

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
});

describe('BatchCreateTasks', () => {
  it('creates tasks in order, once per request id, which may depend on each other and on existing tasks', async () => {
    const ada = await addMember(company);
    const { name: parent } = await addProject(company);
    const there = await company.tasks.createTask({ parent, task: { title: 'There' } });
    const build = `${parent}/tasks/build`;
    const request = {
      parent,
      requests: [
        { task: { title: 'Ship', assignee: ada, dependencies: [build, there.name] } },
        { parent, taskId: 'build', task: { title: 'Build', effortMinutes: 5n } },
      ],
      requestId: randomUUID(),
    };
    const { tasks } = await company.tasks.batchCreateTasks(request);
    expect(await company.tasks.batchCreateTasks(request)).toEqual({ tasks });
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
});
