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

describe('a sorted list', () => {
  const DATES = ['2026-03-01', undefined, '2026-01-01', '2026-03-01', undefined];
  const names: string[] = [];
  beforeAll(async () => {
    for (const [index, dueDate] of DATES.entries()) {
      const title = `Sorted ${'BACAB'[index]}`;
      const date = dueDate && { year: 2026, month: Number(dueDate.slice(5, 7)), day: 1 };
      const project = { title, ...(date && { dueDate: date, startDate: date }) };
      names.push((await company.projects.createProject({ project })).name);
    }
  });

  async function read(
    orderBy: string,
    page: (request: { orderBy: string; pageSize: number; pageToken: string }) => Promise<Page>,
  ) {
    const found: string[] = [];
    for (let pageToken = ''; ; ) {
      const { items, nextPageToken } = await page({ orderBy, pageSize: 2, pageToken });
      found.push(...items);
      if (nextPageToken === '') return found;
      pageToken = nextPageToken;
    }
  }

  interface Page {
    readonly items: readonly string[];
    readonly nextPageToken: string;
  }

  it.each([
    ['', '43210'],
    ['create_time', '01234'],
    ['create_time desc', '43210'],
    ['title', '13042'],
    ['title desc', '24031'],
    ['due_date', '20314'],
    ['due_date desc', '41302'],
    ['start_date', '20314'],
    ['start_date desc', '41302'],
  ])('of projects by "%s" has the order %s; a missing date counts as the last', async (orderBy, order) => {
    const found = await read(orderBy, async (request) => {
      const filter = 'title >= "Sorted" AND title < "Sorteds"';
      const { projects, nextPageToken } = await company.projects.listProjects({ ...request, filter });
      return { items: projects.map(({ name }) => name), nextPageToken };
    });
    expect(found.map((name) => names.indexOf(name)).join('')).toBe(order);
  });

  it.each([
    ['', 'ABCE'],
    ['create_time desc', 'ECBA'],
    ['title desc', 'ECBA'],
    ['effort_minutes', 'ABCE'],
    ['effort_minutes desc', 'ECBA'],
  ])('of tasks by "%s" has the order %s', async (orderBy, order) => {
    const found = await read(orderBy, async (request) => {
      const { tasks, nextPageToken } = await company.tasks.listTasks({ parent, ...request });
      return { items: tasks.map(({ title }) => title[0] ?? ''), nextPageToken };
    });
    expect(found.join('')).toBe(order);
  });

  it('of members and of reservations has each one once, both ways', async () => {
    const others = [await addMember(company), await addMember(company)];
    const members = (orderBy: string) =>
      read(orderBy, async (request) => {
        const { members: page, nextPageToken } = await company.team.listMembers(request);
        return { items: page.map(({ name }) => name), nextPageToken };
      });
    const newestFirst = await members('');
    expect(newestFirst).toEqual(expect.arrayContaining([ada, ...others]));
    expect(await members('create_time desc')).toEqual(newestFirst);
    expect(await members('create_time')).toEqual(newestFirst.toReversed());
    const byName = await members('display_name');
    expect(byName.toSorted()).toEqual(newestFirst.toSorted());
    expect(await members('display_name desc')).toEqual(byName.toReversed());

    const weeks = [12, 5, 19];
    for (const day of weeks) {
      const weekStartDate = { year: 2026, month: 1, day };
      const reservation = { project: parent, weekStartDate, minutes: 10n };
      await company.team.createReservation({ parent: ada, reservation });
    }
    for (const owner of [ada, 'members/-']) {
      const days = (orderBy: string) =>
        read(orderBy, async (request) => {
          const { reservations, nextPageToken } = await company.team.listReservations({ parent: owner, ...request });
          return { items: reservations.map(({ weekStartDate }) => `${weekStartDate?.day}`), nextPageToken };
        });
      expect(await days('week_start_date')).toEqual(['5', '12', '19']);
      expect(await days('week_start_date desc')).toEqual(['19', '12', '5']);
    }
  });

  it('is refused for other fields, with those that there are', async () => {
    const calls: readonly (readonly [Promise<unknown>, string])[] = [
      [company.projects.listProjects({ orderBy: 'owner' }), 'create_time, title, start_date, due_date'],
      [company.tasks.listTasks({ parent, orderBy: 'state' }), 'create_time, title, effort_minutes'],
      [company.team.listMembers({ orderBy: 'email' }), 'create_time, display_name'],
      [company.team.listReservations({ parent: ada, orderBy: 'minutes' }), 'week_start_date'],
    ];
    for (const [call, fields] of calls) {
      const failure = await failureOf(call);
      expect(failure.code).toBe(Status.INVALID_ARGUMENT);
      expect(failure.message).toContain(`order_by: must be one of ${fields}, alone or followed by desc`);
    }
  });

  it.each([
    [
      'projects',
      'TRUE',
      ['create_time', 'title', "coalesce(start_date, DATE '9999-12-31')", "coalesce(due_date, DATE '9999-12-31')"],
    ],
    ['members', 'TRUE', ['create_time', 'display_name']],
    ['tasks', "project_id = 'p'", ['title', 'effort_minutes']],
  ])('of %s walks along an index', async (table, scope, keys) => {
    for (const key of keys) {
      const plan = await company.database.transaction(async (transaction) => {
        for (const way of ['seqscan', 'bitmapscan', 'sort']) await transaction.query(`SET LOCAL enable_${way} = off`);
        const sql = `EXPLAIN SELECT id FROM ${table} WHERE ${scope} ORDER BY ${key}, sequence LIMIT 10`;
        return transaction.query<{ 'QUERY PLAN': string }>(sql);
      });
      expect(plan.map((row) => row['QUERY PLAN']).join('\n')).not.toContain('Sort');
    }
  });
});
