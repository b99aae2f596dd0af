import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { BadRequest, PreconditionFailure } from '@rondo/contracts/google/rpc/error_details';
import { ProjectState } from '@rondo/contracts/projects/v1/projects';
import { TaskState } from '@rondo/contracts/projects/v1/tasks';
import { Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { addMember, addProject, testCompany } from './company.js';

const UNKNOWN = 'projects/00000000000000000000';
const { PROJECT_STATE_PLANNED: PLANNED, PROJECT_STATE_ACTIVE: ACTIVE } = ProjectState;
const { PROJECT_STATE_DONE: DONE, PROJECT_STATE_ARCHIVED: ARCHIVED } = ProjectState;

const company = testCompany();

describe('CreateProject', () => {
  it('creates a project with its tasks, in order', async () => {
    const ada = await addMember(company);
    const created = await company.projects.createProject({
      project: {
        title: 'Überarbeitung 🚀',
        owner: ada,
        startDate: { year: 2024, month: 2, day: 29 },
        dueDate: { year: 2024, month: 2, day: 29 },
      },
      tasks: [
        { title: 'Plan', assignee: ada, effortMinutes: 10_000_000n, state: TaskState.TASK_STATE_IN_PROGRESS },
        { title: 'Build', effortMinutes: 30n },
        { title: 'Ship' },
      ],
    });
    expect(created).toMatchObject({ title: 'Überarbeitung 🚀', state: PLANNED, owner: ada, deleteTime: undefined });
    expect(created).toMatchObject({ startDate: { year: 2024, month: 2, day: 29 }, dueDate: { day: 29 } });
    expect(created.name).toMatch(/^projects\/[a-z0-9]{20}$/);
    expect(created.updateTime).toEqual(created.createTime);
    expect(await company.projects.getProject({ name: created.name })).toEqual(created);
    const filter = `owner = "${ada}" AND start_date = "2024-02-29" AND due_date = "2024-02-29"`;
    expect((await company.projects.listProjects({ filter })).projects).toEqual([created]);

    const { tasks } = await company.tasks.listTasks({ parent: created.name });
    expect(tasks.map(({ title }) => title)).toEqual(['Plan', 'Build', 'Ship']);
    expect(tasks[0]).toMatchObject({
      assignee: ada,
      effortMinutes: 10_000_000n,
      state: TaskState.TASK_STATE_IN_PROGRESS,
    });
    expect(tasks[2]).toMatchObject({ assignee: '', effortMinutes: 0n, state: TaskState.TASK_STATE_OPEN });
  });

  it('reports every violation at once', async () => {
    const failure = await failureOf(
      company.projects.createProject({
        project: {
          title: '',
          state: DONE,
          owner: 'ada',
          startDate: { year: 2025, month: 2, day: 29 },
          dueDate: { year: 2025, month: 0, day: 0 },
        },
        tasks: [
          { title: 'fine' },
          { title: 'a\u0001b', effortMinutes: -1n, assignee: 'members/', state: TaskState.UNRECOGNIZED },
        ],
        requestId: 'one',
      }),
    );
    expect(failure.code).toBe(Status.INVALID_ARGUMENT);
    expect(failure.detail(BadRequest)?.fieldViolations.map(({ field }) => field)).toEqual([
      'project.owner',
      'tasks[1].title',
      'tasks[1].assignee',
      'tasks[1].effort_minutes',
      'request_id',
      'project.title',
      'project.state',
      'project.start_date',
      'project.due_date',
      'tasks[1].state',
    ]);
    expect(failure.message).toContain('project.owner: must match the pattern `^members/');
    expect(failure.message).toContain('project.state: must be PLANNED or ACTIVE');
  });

  it('refuses more than 100 tasks, a due date before the start, and a request without a project', async () => {
    const tasks = Array.from({ length: 101 }, () => ({ title: 'One of many' }));
    const startDate = { year: 2025, month: 5, day: 2 };
    const project = { title: 'Late', startDate, dueDate: { ...startDate, day: 1 } };
    const { message } = await failureOf(company.projects.createProject({ project, tasks }));
    expect(message).toContain('tasks: must contain no more than 100 items');
    expect(message).toContain('project.due_date: must not be before start_date');
    expect((await failureOf(company.projects.createProject({}))).message).toContain('project.title: is required');
  });

  it('names all unknown members, and creates nothing', async () => {
    const ada = await addMember(company);
    const before = await count('projects');
    const failure = await failureOf(
      company.projects.createProject({
        project: { title: 'Nobody there', owner: 'members/nobody' },
        tasks: [
          { title: 'A', assignee: ada },
          { title: 'B', assignee: 'members/none' },
        ],
      }),
    );
    expect(failure.code).toBe(Status.INVALID_ARGUMENT);
    expect(failure.detail(BadRequest)?.fieldViolations.map(({ field }) => field)).toEqual([
      'project.owner',
      'tasks[1].assignee',
    ]);
    expect(await count('projects')).toBe(before);
  });
});

describe('UpdateProject', () => {
  it('lets one of twenty writers with the same etag succeed', async () => {
    const { name, etag } = await addProject(company);
    const writers = Array.from({ length: 20 }, (_, index) =>
      company.projects.updateProject({ project: { name, title: `Writer ${index}`, etag } }),
    );
    const outcomes = await Promise.allSettled(writers);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(refused.every(({ code }) => code === Status.ABORTED)).toBe(true);
  });

  it('refuses an illegal change of state, and names both states and the allowed ones', async () => {
    const { name } = await addProject(company);
    const failure = await failureOf(company.projects.updateProject({ project: { name, state: DONE } }));
    expect(failure.code).toBe(Status.FAILED_PRECONDITION);
    expect(failure.message).toBe(
      `${name} is PLANNED and can't become DONE; from PLANNED it can become ACTIVE or ARCHIVED`,
    );
    expect(failure.detail(PreconditionFailure)?.violations).toMatchObject([{ type: 'STATE', subject: name }]);
  });

  it('does not change an archived project', async () => {
    const { name } = await addProject(company);
    const archived = await company.projects.updateProject({ project: { name, state: ARCHIVED } });
    const rename = await failureOf(company.projects.updateProject({ project: { name, title: 'New' } }));
    expect(rename.code).toBe(Status.FAILED_PRECONDITION);
    const revive = await failureOf(company.projects.updateProject({ project: { name, state: ACTIVE } }));
    expect(revive.message).toBe(`${name} is ARCHIVED and can't become ACTIVE; ARCHIVED is final`);
    expect(await company.projects.updateProject({ project: { name, state: ARCHIVED } })).toEqual(archived);
  });

  it('refuses a due date before the stored start date, and an unknown owner', async () => {
    const { name } = await company.projects.createProject({
      project: { title: 'Dated', startDate: { year: 2025, month: 6, day: 1 } },
    });
    const dueDate = { year: 2025, month: 5, day: 31 };
    const early = await failureOf(company.projects.updateProject({ project: { name, dueDate } }));
    expect(early.code).toBe(Status.INVALID_ARGUMENT);
    expect(early.message).toContain('project.due_date: must not be before start_date');
    const unowned = await failureOf(company.projects.updateProject({ project: { name, owner: 'members/nobody' } }));
    expect(unowned.message).toContain("project.owner: members/nobody doesn't exist");
  });
});

describe('EstimateProject', () => {
  it('adds up the tasks that are not cancelled, and the remaining ones, with the calculator', async () => {
    const { name } = await company.projects.createProject({
      project: { title: 'Estimated' },
      tasks: [
        { title: 'open', effortMinutes: 1n },
        { title: 'in progress', effortMinutes: 20n, state: TaskState.TASK_STATE_IN_PROGRESS },
        { title: 'done', effortMinutes: 300n, state: TaskState.TASK_STATE_IN_PROGRESS },
        { title: 'cancelled', effortMinutes: 4000n },
      ],
    });
    const { tasks } = await company.tasks.listTasks({ parent: name });
    await company.tasks.updateTask({ task: { name: tasks[2]?.name ?? '', state: TaskState.TASK_STATE_DONE } });
    await company.tasks.updateTask({ task: { name: tasks[3]?.name ?? '', state: TaskState.TASK_STATE_CANCELLED } });
    company.calculator.sums.length = 0;
    expect(await company.projects.estimateProject({ name })).toMatchObject({
      totalEffortMinutes: 321n,
      remainingEffortMinutes: 21n,
      taskCount: 3n,
    });
    expect(new Set(company.calculator.sums.map((values) => values.length))).toEqual(new Set([2, 3]));
  });

  it('is zero for a project without tasks, and NOT_FOUND for an unknown project', async () => {
    const { name } = await addProject(company);
    const nothing = { totalEffortMinutes: 0n, remainingEffortMinutes: 0n, taskCount: 0n };
    expect(await company.projects.estimateProject({ name })).toMatchObject(nothing);
    expect((await failureOf(company.projects.estimateProject({ name: UNKNOWN }))).code).toBe(Status.NOT_FOUND);
  });
});

it('an estimate fails soon and clearly without the calculator, and other calls succeed', async () => {
  const { name } = await company.projects.createProject({ project: { title: 'P' }, tasks: [{ title: 'T' }] });
  company.calculator.stop();
  const failure = await failureOf(company.projects.estimateProject({ name }));
  expect(failure.code).toBe(Status.UNAVAILABLE); // not DEADLINE_EXCEEDED, as the call doesn't wait for the calculator
  expect(failure.message).toContain('calculator.v1.CalculatorService/Sum');
  expect(await company.projects.getProject({ name })).toMatchObject({ title: 'P' });
});

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
});

function times<T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => make(index)));
}

async function rowsWithTitle(table: 'projects' | 'tasks', title: string): Promise<bigint> {
  const sql = `SELECT count(*) AS rows FROM ${table} WHERE title = $1`;
  const { rows } = await company.database.one<{ rows: bigint }>(sql, [title]);
  return rows;
}

async function count(table: 'projects' | 'tasks' | 'members'): Promise<bigint> {
  const { rows } = await company.database.one<{ rows: bigint }>(`SELECT count(*) AS rows FROM ${table}`);
  return rows;
}
