/** What is stored is read along indexes, and has the etags that callers got of earlier versions. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Transaction } from '@rondo/database';
import { unindexedOf } from '@rondo/resources/testing';
import { members } from '../src/members.js';
import { appendTaskChanges } from '../src/project-changes.js';
import { projects } from '../src/projects.js';
import { reservations } from '../src/reservations.js';
import { tasks } from '../src/tasks.js';
import { addMember, addProject, testCompany } from './company.js';

const company = testCompany();
const TIMES = "'2026-01-02T03:04:05.678Z', '2026-02-03T04:05:06.789Z'";
const DELETED = "'2026-02-03T04:05:06.789Z'";
const OLD = `
  INSERT INTO members (id, display_name, email, weekly_capacity_minutes, subject, team, version, create_time, update_time, delete_time)
  VALUES ('ada', 'Ada', 'ada@example.com', 2400, '', '', 2, ${TIMES}, NULL),
    ('gone', 'Ada', 'bob@example.com', 0, 'bob', 'north', 2, ${TIMES}, ${DELETED});
  INSERT INTO projects (id, title, state, owner_id, start_date, due_date, team, quote_id, order_id, version, create_time, update_time,
    delete_time)
  VALUES ('old', 'Ada "A"', 'ACTIVE', 'ada', '2026-03-04', '2026-04-05', 'north', 'q', 'o', 7, ${TIMES}, NULL),
    ('gone', 'Ada "A"', 'ARCHIVED', NULL, NULL, NULL, '', NULL, NULL, 7, ${TIMES}, ${DELETED});
  INSERT INTO tasks (project_id, id, title, state, assignee_id, effort_minutes, version, create_time, update_time, delete_time)
  VALUES ('old', 'first', 'T', 'OPEN', NULL, 0, 3, ${TIMES}, NULL), ('old', 'third', 'T', 'OPEN', NULL, 0, 3, ${TIMES}, ${DELETED}),
    ('old', 'second', 'T', 'DONE', 'ada', 90, 3, ${TIMES}, ${DELETED});
  INSERT INTO task_dependencies (project_id, task_id, depends_on_id, place)
  VALUES ('old', 'second', 'first', 1), ('old', 'second', 'third', 2);`;

it('gives what is stored the etags that callers got of earlier versions', async () => {
  await company.database.transaction((tx) => tx.script(OLD));
  const etags = [
    ...['ada', 'gone'].map((id) => company.team.getMember({ name: `members/${id}` })),
    ...['old', 'gone'].map((id) => company.projects.getProject({ name: `projects/${id}` })),
    ...['first', 'second'].map((id) => company.tasks.getTask({ name: `projects/old/tasks/${id}` })),
  ].map(async (one: Promise<{ readonly etag: string }>) => (await one).etag);
  expect(await Promise.all(etags)).toEqual([
    '"2-fc30dfe1-7d8ac9ccd8e9-a39afe-c525d3-9db409-74234e-12ae32-12ae32"',
    '"2-a01399f6-0b83ef7f95aa-a39afe-4ac149-98089e-bfc162-1b0ed5-37171d"',
    '"7-c9bd9832-45e91fc83539-da703f-77ff42-fc30df-a9f8c4-4fbcff-74234e-37171d"',
    '"7-4e4c16dd-725a16e2ff8a-da703f-603924-12ae32-74234e-74234e-bfc162-12ae32"',
    '"3-a262c6b5-de641c897814-57cb45-be0a10-12ae32-98089e-4f53cd-74234e"',
    '"3-f4331abb-7211092ddcd5-57cb45-94630a-fc30df-c05204-4c707d-bfc162"',
  ]);
});

const text = (value: unknown): string => {
  if (typeof value === 'string') return value;
  throw new TypeError(`${value} is no text`);
};
const optional = (value: unknown): string | null => (value == null ? null : text(value));
const whole = (value: unknown): string => `${BigInt(text(value))}`;
const time = (value: unknown): string => new Date(text(value)).toISOString();
const optionalTime = (value: unknown): string | null => (value == null ? null : time(value));
const texts = (value: unknown): readonly string[] => (value as readonly unknown[]).map(text);

/** The values of a change of a project's watch, as the versions before read and write them. */
const EARLIER: Readonly<Record<string, Readonly<Record<string, (value: unknown) => unknown>>>> = {
  project: {
    id: text,
    sequence: whole,
    title: text,
    state: text,
    owner_id: optional,
    start_date: optional,
    due_date: optional,
    create_time: time,
    update_time: time,
    delete_time: optionalTime,
    version: whole,
    team: optional,
    quote_id: optional,
    order_id: optional,
  },
  task: {
    id: text,
    project_id: text,
    sequence: whole,
    title: text,
    state: text,
    assignee_id: optional,
    effort_minutes: whole,
    create_time: time,
    update_time: time,
    delete_time: optionalTime,
    dependencies: texts,
    version: whole,
  },
};

/** The payload that a version before would have appended in place of one. */
function earlier({ kind, row }: { readonly kind: string; readonly row: Readonly<Record<string, unknown>> }): object {
  const fields = Object.entries(EARLIER[kind] ?? {}).map(([column, read]) => [column, read(row[column])]);
  return { kind, row: Object.fromEntries(fields) };
}

it('appends what watches of earlier versions read, and reads what they have appended', async () => {
  const owner = await addMember(company);
  const { name } = await company.projects.createProject({ project: { title: 'Watched', owner } });
  const watch = company.projects.watchProject({ name })[Symbol.asyncIterator]();
  const next = async () => (await watch.next()).value?.event;
  expect(await next()).toMatchObject({ $case: 'snapshot' });
  const first = await company.tasks.createTask({ parent: name, task: { title: 'first' } });
  const fields = { title: 'second', assignee: owner, effortMinutes: 90n, dependencies: [first.name] };
  const second = await company.tasks.createTask({ parent: name, task: fields });
  const dates = { startDate: { year: 2026, month: 3, day: 2 }, dueDate: { year: 2026, month: 4, day: 1 } };
  const project = await company.projects.updateProject({ project: { name, ...dates } });
  const events = [
    { $case: 'taskChanged', value: first },
    { $case: 'taskChanged', value: second },
    { $case: 'projectChanged', value: project },
  ];
  expect([await next(), await next(), await next()]).toEqual(events);
  const changes = 'SELECT payload FROM sync_changes WHERE topic = $1 ORDER BY position';
  for (const { payload } of await company.database.query<{ payload: Parameters<typeof earlier>[0] }>(changes, [name])) {
    const append = 'INSERT INTO sync_outbox (topic, payload) VALUES ($1, $2)';
    await company.database.query(append, [name, JSON.stringify(earlier(payload))]);
  }
  await company.tasks.updateTask({ task: { name: first.name, title: 'last' } });
  expect([await next(), await next(), await next()]).toEqual(events);
  expect(await next()).toMatchObject({ $case: 'taskChanged', value: { title: 'last' } });
  await watch.return?.();
});

it('appends the changes of tasks by their keys, before PostgreSQL knows how many tasks a project has', async () => {
  const { name } = await addProject(company);
  const [, projectId = ''] = name.split('/');
  const ids = Array.from({ length: 50 }, (_, index) => `many${index + 1}`);
  const plan = await company.database.transaction(async (tx) => {
    await tx.query(
      `INSERT INTO tasks (project_id, id, title, state, effort_minutes, create_time, update_time)
       SELECT $1, 'many' || n, 'T', 'OPEN', 0, now(), now() FROM generate_series(1, 3000) AS n`,
      [projectId],
    );
    const plans: object[] = [];
    const query: Transaction['query'] = async (sql, params) => {
      plans.push(await tx.query(`EXPLAIN ${sql}`, params));
      return [];
    };
    await appendTaskChanges({ ...tx, query }, projectId, ids);
    return JSON.stringify(plans);
  });
  expect(plan).toContain('Index Scan using tasks_pkey');
  expect(plan).not.toContain('Seq Scan on tasks');
  expect(plan).not.toContain('Bitmap');
});

const MANY = `
  INSERT INTO members (id, display_name, email, weekly_capacity_minutes, subject, team, create_time, update_time)
  SELECT 'm' || n, 'Member ' || n % 1000, 'm' || n || '@example.com', n % 5000 + 5000, 's' || n, 't' || n % 100, made, made
  FROM generate_series(1, 2000) AS n, LATERAL (SELECT now() - make_interval(secs => n) AS made) AS times;
  INSERT INTO projects (id, title, state, owner_id, start_date, due_date, team, quote_id, order_id, create_time, update_time)
  SELECT 'p' || n, 'Project ' || n % 1000, 'PLANNED', 'm' || n % 500 + 1, DATE '2026-01-01' + n % 500, DATE '2027-06-01' + n % 500,
    't' || n % 100, 'q' || n, 'o' || n, made, made
  FROM generate_series(1, 2000) AS n, LATERAL (SELECT now() - make_interval(secs => n) AS made) AS times;
  INSERT INTO tasks (project_id, id, title, state, assignee_id, effort_minutes, create_time, update_time)
  SELECT 'p' || n % 20 + 1, 't' || n, 'Task ' || n % 500, 'OPEN', 'm' || n % 50 + 1, n % 1000, made, made
  FROM generate_series(1, 4000) AS n, LATERAL (SELECT now() + make_interval(secs => n) AS made) AS times ORDER BY n;
  INSERT INTO member_weeks (member_id, week_start_date, capacity_minutes)
  SELECT id, monday, weekly_capacity_minutes FROM members, LATERAL (SELECT DATE '2026-01-05' + 7 * n AS monday FROM generate_series(0, 19) AS n)
    AS mondays WHERE id LIKE 'm%' AND sequence % 5 = 0;
  INSERT INTO reservations (id, member_id, week_start_date, project_id, minutes)
  SELECT 'r' || row_number() OVER (), member_id, week_start_date, 'p' || (random() * 1999 + 1)::int, 1 FROM member_weeks;
  ANALYZE;`;

describe('what is read along an index in each statement', () => {
  beforeAll(() => company.database.transaction((tx) => tx.script(MANY)));

  it('is all of members and projects', async () => {
    expect(await unindexedOf(company.database, members, 'members/m1234')).toEqual([]);
    expect(await unindexedOf(company.database, projects, 'projects/p1234')).toEqual([]);
  });

  it('is all of the tasks of a project, with which they are watched', async () => {
    const ofProject: typeof tasks = { ...tasks, list: (queries, query) => tasks.list(queries, query, ['p7']) };
    expect(await unindexedOf(company.database, ofProject, 'projects/p7/tasks/t6')).toEqual(['watch']);
  });

  it('is all of reservations, of one member and of all members', async () => {
    const { member_id: member, id } = await company.database.one<{ member_id: string; id: string }>(
      "SELECT member_id, id FROM reservations WHERE id = 'r7777'",
    );
    const name = `members/${member}/reservations/${id}`;
    const ofMember: typeof reservations = {
      ...reservations,
      list: (queries, query) => reservations.list(queries, query, [member]),
    };
    expect(await unindexedOf(company.database, reservations, name)).toEqual([]);
    expect(await unindexedOf(company.database, ofMember, name)).toEqual([]);
  });
});
