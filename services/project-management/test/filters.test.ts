import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import { ProjectState } from '@rondo/contracts/projects/v1/projects';
import { TaskState } from '@rondo/contracts/projects/v1/tasks';
import { Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { addMember, addProject, type Company, startCompany } from './company.js';

let company: Company;
let ada: string;
let parent: string;
beforeAll(async () => {
  company = await startCompany();
  ada = await addMember(company);
  ({ name: parent } = await addProject(company, 'Tasks'));
  const { TASK_STATE_IN_PROGRESS: state } = TaskState;
  const { tasks } = await company.tasks.batchCreateTasks({
    parent,
    requests: [
      { task: { title: 'A "quoted" title', effortMinutes: 10n } },
      { task: { title: 'B', effortMinutes: 20n, assignee: ada } },
      { task: { title: 'C', effortMinutes: 30n, assignee: ada, state } },
      { task: { title: 'D', effortMinutes: 40n, state } },
      { task: { title: 'E', effortMinutes: 50n, assignee: ada, state } },
    ],
  });
  await company.tasks.updateTask({ task: { name: tasks[4]?.name ?? '', state: TaskState.TASK_STATE_DONE } });
  await company.tasks.deleteTask({ name: tasks[3]?.name ?? '' });
});
afterAll(() => company.stop());

async function titles(filter: string, showDeleted = false): Promise<string> {
  const { tasks } = await company.tasks.listTasks({ parent, filter: filter.replace('ADA', ada), showDeleted });
  return tasks.map(({ title }) => title[0]).join('');
}

describe('a filter of tasks', () => {
  it.each([
    ['', 'ABCE', 'ABCDE'],
    ['state = OPEN', 'AB', 'AB'],
    ['state = IN_PROGRESS', 'C', 'CD'],
    ['state != OPEN', 'CE', 'CDE'],
    ['state != OPEN AND state != DONE', 'C', 'CD'],
    ['state = OPEN AND state = DONE', '', ''],
    ['assignee = "ADA"', 'BCE', 'BCE'],
    ['assignee != "ADA"', 'A', 'AD'],
    ['assignee = "ADA" AND state = DONE', 'E', 'E'],
    ['effort_minutes >= 20 AND effort_minutes < 50', 'BC', 'BCD'],
    ['effort_minutes = 10', 'A', 'A'],
    ['title = "A \\"quoted\\" title"', 'A', 'A'],
    ['title > "B"', 'CE', 'CDE'],
    ['create_time < "2020-01-01T00:00:00Z"', '', ''],
    ['create_time > "2020-01-01T00:00:00Z" AND state = DONE', 'E', 'E'],
  ])('"%s" returns %s, with deleted tasks %s', async (filter, live, all) => {
    expect(await titles(filter)).toBe(live);
    expect(await titles(filter, true)).toBe(all);
  });

  it('is read page by page, each page over all states', async () => {
    const request = { parent, filter: 'state != CANCELLED', showDeleted: true, pageSize: 2 };
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await company.tasks.listTasks({ ...request, pageToken });
      expect(page.tasks.length).toBeLessThanOrEqual(2);
      seen.push(...page.tasks.map(({ title }) => title[0] ?? ''));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(seen.join('')).toBe('ABCDE');
  });

  it('that is invalid is refused together with other faults', async () => {
    const failure = await failureOf(company.tasks.listTasks({ parent: 'x', filter: 'colour = RED', pageSize: -1 }));
    expect(failure.code).toBe(Status.INVALID_ARGUMENT);
    expect(failure.detail(BadRequest)?.fieldViolations.map(({ field }) => field)).toEqual([
      'parent',
      'page_size',
      'filter',
    ]);
    for (const filter of [
      'state = LOST',
      'state < OPEN',
      'assignee = "ada"',
      'effort_minutes = x',
      'state = OPEN OR title = "x"',
    ]) {
      expect((await failureOf(company.tasks.listTasks({ parent, filter }))).code).toBe(Status.INVALID_ARGUMENT);
    }
  });

  it('has its own page tokens, which are valid for no other filter', async () => {
    const { nextPageToken: pageToken } = await company.tasks.listTasks({ parent, filter: 'state = OPEN', pageSize: 1 });
    for (const request of [{ filter: 'state = DONE' }, { filter: 'state = OPEN', showDeleted: true }, {}]) {
      const failure = await failureOf(company.tasks.listTasks({ parent, pageToken, ...request }));
      expect(failure.message).toContain('page_token: must be');
    }
  });
});

describe('a filter of a large project', () => {
  const COUNT = 3_500;
  let large: string;
  beforeAll(async () => {
    ({ name: large } = await addProject(company, 'Large'));
    // Rare rows come last, where a scan in list order finds them last.
    await company.database.query(
      `INSERT INTO tasks (project_id, id, title, state, assignee_id, effort_minutes, create_time, update_time, delete_time)
       SELECT $1, 't' || n, 'T', CASE WHEN n > ${COUNT} - 60 THEN 'OPEN' ELSE 'DONE' END,
         CASE WHEN n % 5 = 0 THEN $2 END, CASE WHEN n > ${COUNT} - 1100 THEN 1 ELSE n % 7 + 2 END, since, since,
         CASE WHEN n % 11 = 0 THEN since END
       FROM (SELECT n, TIMESTAMPTZ '2026-01-01 00:00Z' + n * interval '1 second' AS since
         FROM generate_series(1, ${COUNT}) AS n ORDER BY n) AS made`,
      [large.replace('projects/', ''), ada.replace('members/', '')],
    );
  });

  interface Made {
    readonly n: number;
    readonly state: string;
    readonly assigned: boolean;
    readonly effort: number;
  }

  const made: readonly Made[] = Array.from({ length: COUNT }, (_, index) => index + 1).map((n) => ({
    n,
    state: n > COUNT - 60 ? 'OPEN' : 'DONE',
    assigned: n % 5 === 0,
    effort: n > COUNT - 1100 ? 1 : (n % 7) + 2,
  }));

  it.each<[string, (task: Made) => boolean]>([
    ['state = OPEN', ({ state }) => state === 'OPEN'],
    ['state != DONE AND assignee = "ADA"', ({ state, assigned }) => state === 'OPEN' && assigned],
    ['assignee = "ADA" AND effort_minutes < 2', ({ assigned, effort }) => assigned && effort < 2],
    ['effort_minutes = 1', ({ effort }) => effort === 1],
    ['effort_minutes = 5', ({ effort }) => effort === 5],
    ['effort_minutes > 8', () => false],
    ['assignee != "ADA" AND effort_minutes <= 1', ({ assigned, effort }) => !assigned && effort === 1],
    ['title = "T" AND state = OPEN', ({ state }) => state === 'OPEN'],
    ['create_time > "2026-01-01T00:50:00Z"', ({ n }) => n > 3_000],
    [
      'create_time >= "2026-01-01T00:50:00Z" AND create_time < "2026-01-01T00:51:00Z"',
      ({ n }) => n >= 3_000 && n < 3_060,
    ],
    ['create_time <= "2026-01-01T00:00:07Z"', ({ n }) => n <= 7],
    ['create_time = "2026-01-01T00:30:00Z"', ({ n }) => n === 1_800],
    ['create_time != "2026-01-01T00:30:00Z" AND effort_minutes = 1', ({ effort }) => effort === 1],
  ])('"%s" finds all matching tasks, each once and in order, over any number of pages', async (filter, meets) => {
    for (const showDeleted of [false, true]) {
      const request = { parent: large, filter: filter.replace('ADA', ada), showDeleted, pageSize: 97 };
      const seen: string[] = [];
      let pageToken = '';
      do {
        const page = await company.tasks.listTasks({ ...request, pageToken });
        seen.push(...page.tasks.map(({ name }) => name));
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      const expected = made.filter((task) => meets(task) && (showDeleted || task.n % 11 !== 0));
      expect(seen).toEqual(expected.map(({ n }) => `${large}/tasks/t${n}`));
    }
  });
});

describe('a filter of projects', () => {
  it('compares state, owner, title and dates', async () => {
    const grace = await addMember(company);
    const startDate = { year: 2031, month: 1, day: 1 };
    const create = (title: string, project: object) =>
      company.projects.createProject({ project: { title, owner: grace, ...project } });
    await create('V', {});
    await create('W', { startDate, dueDate: { ...startDate, month: 2 } });
    await create('X', { startDate: { ...startDate, day: 2 }, state: ProjectState.PROJECT_STATE_ACTIVE });
    const { name } = await create('Y', { startDate, state: ProjectState.PROJECT_STATE_ACTIVE });
    await company.projects.deleteProject({ name });
    const list = async (filter: string, showDeleted = false) => {
      const request = { filter: `owner = "${grace}" ${filter}`, showDeleted };
      return (await company.projects.listProjects(request)).projects.map(({ title }) => title).join('');
    };
    expect(await list('')).toBe('XWV');
    expect(await list('', true)).toBe('YXWV');
    expect(await list('AND state = ACTIVE')).toBe('X');
    expect(await list('AND state != ACTIVE', true)).toBe('WV');
    expect(await list('AND start_date >= "2031-01-01"')).toBe('XW');
    expect(await list('AND due_date = "2031-02-01"')).toBe('W');
    expect(await list('AND title != "V"', true)).toBe('YXW');
  });
});
