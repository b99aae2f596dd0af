import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BadRequest, ErrorInfo, PreconditionFailure, ResourceInfo } from '@rondo/contracts/google/rpc/error_details';
import { ProjectState } from '@rondo/contracts/projects/v1/projects';
import { TaskState } from '@rondo/contracts/projects/v1/tasks';
import { nextPageToken } from '@rondo/resources';
import { Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { addMember, addProject, type Company, holdRow, startCompany } from './company.js';

const UNKNOWN = 'projects/00000000000000000000';
const { PROJECT_STATE_PLANNED: PLANNED, PROJECT_STATE_ACTIVE: ACTIVE } = ProjectState;
const { PROJECT_STATE_DONE: DONE, PROJECT_STATE_ARCHIVED: ARCHIVED } = ProjectState;

let company: Company;
beforeAll(async () => {
  company = await startCompany();
});
afterAll(() => company.stop());

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

  it('accepts 100 tasks', async () => {
    const tasks = Array.from({ length: 100 }, (_, index) => ({ title: `Task ${index}` }));
    const { name } = await company.projects.createProject({ project: { title: 'Large' }, tasks });
    const page = await company.tasks.listTasks({ parent: name, pageSize: 100 });
    expect(page.tasks.map(({ title }) => title)).toEqual(tasks.map(({ title }) => title));
    expect(page.nextPageToken).toBe('');
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

describe('GetProject', () => {
  it('names an unknown project and the remedy', async () => {
    const failure = await failureOf(company.projects.getProject({ name: UNKNOWN }));
    expect(failure.code).toBe(Status.NOT_FOUND);
    expect(failure.message).toBe(`${UNKNOWN} doesn't exist; list the projects with ListProjects`);
    expect(failure.detail(ResourceInfo)?.resourceName).toBe(UNKNOWN);
  });

  it.each(['', 'projects/', 'projects/A', 'members/x', "projects/x' OR 1=1", 'projects/x/tasks/y', ' projects/x'])(
    'refuses the name "%s"',
    async (name) => {
      const failure = await failureOf(company.projects.getProject({ name }));
      expect(failure.code).toBe(Status.INVALID_ARGUMENT);
      expect(failure.message).toBe(
        'name: must match the pattern `^projects/[a-z0-9][a-z0-9-]{0,62}$` (string.pattern)',
      );
    },
  );
});

describe('UpdateProject', () => {
  it('changes the fields that the mask names, and no others', async () => {
    const { name } = await addProject(company);
    const project = { name, title: 'ignored', state: ACTIVE, dueDate: { year: 2030, month: 1, day: 31 } };
    const updated = await company.projects.updateProject({ project, updateMask: ['state', 'due_date'] });
    expect(updated).toMatchObject({ title: 'Website', state: ACTIVE, dueDate: { year: 2030, month: 1, day: 31 } });
    expect(await company.projects.getProject({ name })).toEqual(updated);
  });

  it('changes all set fields if there is no mask', async () => {
    const { name, etag } = await addProject(company);
    const updated = await company.projects.updateProject({ project: { name, title: 'Shop', etag } });
    expect(updated).toMatchObject({ title: 'Shop', state: PLANNED });
  });

  it('clears fields that the mask names and the request leaves unset', async () => {
    const ada = await addMember(company);
    const project = { title: 'Cleared', owner: ada, startDate: { year: 2025, month: 1, day: 1 } };
    const { name } = await company.projects.createProject({ project });
    const updated = await company.projects.updateProject({ project: { name }, updateMask: ['owner', 'start_date'] });
    expect(updated).toMatchObject({ owner: '', startDate: undefined });
  });

  it('changes etag and update_time with every change, even within one millisecond, and only then', async () => {
    const created = await addProject(company);
    const { name } = created;
    const renamed = await company.projects.updateProject({ project: { name, title: 'A' } });
    const again = await company.projects.updateProject({ project: { name, title: 'B' } });
    expect(new Set([created.etag, renamed.etag, again.etag]).size).toBe(3);
    expect(again.updateTime?.getTime()).toBeGreaterThan(renamed.updateTime?.getTime() ?? 0);
    expect(again.createTime).toEqual(created.createTime);
    expect(await company.projects.updateProject({ project: { name, title: 'B' } })).toEqual(again);
  });

  it('refuses a stale etag', async () => {
    const { name, etag } = await addProject(company);
    await company.projects.updateProject({ project: { name, title: 'First', etag } });
    const failure = await failureOf(company.projects.updateProject({ project: { name, title: 'Second', etag } }));
    expect(failure.code).toBe(Status.ABORTED);
    expect(failure.message).toBe(`${name} has changed since its etag was read: title; read it again, and try again`);
    expect(failure.detail(ErrorInfo)).toMatchObject({ metadata: { resource: name, changed: 'title' } });
    expect(await company.projects.getProject({ name })).toMatchObject({ title: 'First' });
  });

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

  it('decides on the project as it is under the lock, not as it was before', async () => {
    const { name, etag } = await addProject(company);
    const held = await holdRow(company, 'projects', name);
    const writers = ['one', 'two'].map((title) => company.projects.updateProject({ project: { name, title, etag } }));
    const outcomes = Promise.allSettled(writers);
    await held.waitedForBy(2);
    await held.release();
    expect((await outcomes).map(({ status }) => status).sort(byText)).toEqual(['fulfilled', 'rejected']);
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

  it('replaces all fields if the mask is "*" (AIP-134)', async () => {
    const { name } = await company.projects.createProject({
      project: { title: 'Old', owner: await addMember(company), startDate: { year: 2025, month: 1, day: 1 } },
    });
    const project = { name, title: 'New', state: ProjectState.PROJECT_STATE_ACTIVE };
    const replaced = await company.projects.updateProject({ project, updateMask: ['*'] });
    expect(replaced).toMatchObject({ ...project, owner: '', startDate: undefined });
    const incomplete = company.projects.updateProject({ project: { name }, updateMask: ['*'] });
    expect((await failureOf(incomplete)).message).toMatch(/^project.title: is required.*; project.state: must be /);
  });

  it('refuses a mask with unknown paths, together with other faults', async () => {
    const failure = await failureOf(
      company.projects.updateProject({ project: { name: 'x' }, updateMask: ['title', 'state', 'budget', 'toString'] }),
    );
    expect(failure.code).toBe(Status.INVALID_ARGUMENT);
    expect(failure.message).toContain(
      'update_mask: must be of title, state, owner, start_date, due_date, team; it names "budget", "toString"',
    );
    expect(failure.message).toContain('project.title: is required');
    expect(failure.message).toContain('project.state: must be PLANNED or ACTIVE or DONE or ARCHIVED');
    expect(failure.message).toContain('project.name: must be of the pattern projects/{project}');
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

  it('reports an unknown project', async () => {
    const failure = await failureOf(company.projects.updateProject({ project: { name: UNKNOWN, title: 'x' } }));
    expect(failure.code).toBe(Status.NOT_FOUND);
  });
});

describe('ListProjects', () => {
  it('lists from the newest to the oldest, each once, while projects are created', async () => {
    const there = new Set<string>();
    for (let index = 0; index < 7; index += 1) there.add((await addProject(company)).name);
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await company.projects.listProjects({ pageSize: 3, pageToken });
      expect(page.projects.length).toBeLessThanOrEqual(3);
      seen.push(...page.projects.map(({ name }) => name));
      pageToken = page.nextPageToken;
      await Promise.all([addProject(company), addProject(company)]);
    } while (pageToken !== '');
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.slice(0, 7)).toEqual([...there].reverse());
    expect(seen).toHaveLength(new Set([...seen, ...there]).size);
  });

  it('has a default page size of 50 and a limit of 100', async () => {
    for (let left = 110; left > 0; left -= 5) await Promise.all(Array.from({ length: 5 }, () => addProject(company)));
    expect((await company.projects.listProjects({})).projects).toHaveLength(50);
    expect((await company.projects.listProjects({ pageSize: 2_000_000_000 })).projects).toHaveLength(100);
  });

  it.each(['nonsense', '%%%', Buffer.from('after 3 in members').toString('base64url')])(
    'refuses the token "%s" and a negative size',
    async (pageToken) => {
      const failure = await failureOf(company.projects.listProjects({ pageToken, pageSize: -1 }));
      expect(failure.code).toBe(Status.INVALID_ARGUMENT);
      const violations = failure.detail(BadRequest)?.fieldViolations ?? [];
      expect(violations.map(({ field }) => field)).toEqual(['page_size', 'page_token']);
    },
  );

  it('refuses a token with an impossible position', async () => {
    const place = { position: 9_999_999_999_999_999_999n };
    const pageToken = nextPageToken(
      { collection: 'projects', fields: {} },
      { pageSize: 0, pageToken: '', filter: '' },
      place,
    );
    expect((await failureOf(company.projects.listProjects({ pageToken }))).code).toBe(Status.INVALID_ARGUMENT);
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

function byText(a: string, b: string): number {
  return a.localeCompare(b);
}

async function count(table: 'projects' | 'tasks' | 'members'): Promise<bigint> {
  const { rows } = await company.database.one<{ rows: bigint }>(`SELECT count(*) AS rows FROM ${table}`);
  return rows;
}
