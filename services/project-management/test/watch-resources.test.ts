import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Company, startCompany } from './company.js';
import { KINDS, PARTIES, type Resource, reading, unique } from './watched.js';

let company: Company;
beforeAll(async () => {
  company = await startCompany();
  await company.database.transaction((transaction) => transaction.script(PARTIES));
});
afterAll(() => company.stop());

/** Statements of the version before the feeds, which knows nothing of them: one adds rows, the others write one. */
const OLD = {
  projects: {
    add: `INSERT INTO projects (id, title, state, team, create_time, update_time)
      SELECT 'old' || n, 'Old', 'PLANNED', '', now(), now() FROM generate_series($1::int, $2::int) AS n`,
    change: `UPDATE projects SET title = 'Older', version = version + 1, update_time = clock_timestamp() WHERE id = $1`,
    remove: 'UPDATE projects SET delete_time = clock_timestamp(), version = version + 1 WHERE id = $1',
  },
  members: {
    add: `INSERT INTO members (id, display_name, email, weekly_capacity_minutes, subject, team)
      SELECT 'old' || n, 'Old', 'old' || n || '@example.com', 60, '', '' FROM generate_series($1::int, $2::int) AS n`,
    change: `UPDATE members SET display_name = 'Older', version = version + 1, update_time = clock_timestamp() WHERE id = $1`,
    remove: 'UPDATE members SET delete_time = clock_timestamp(), version = version + 1 WHERE id = $1',
  },
  reservations: {
    add: `INSERT INTO reservations (id, member_id, week_start_date, project_id, minutes)
      SELECT 'old' || n, 'ada', '2031-01-06', 'site', 1 FROM generate_series($1::int, $2::int) AS n`,
    change: 'UPDATE reservations SET minutes = 2 WHERE id = $1',
    remove: 'DELETE FROM reservations WHERE id = $1',
  },
};
type KindName = keyof typeof OLD;
const COLLECTIONS = { projects: 'projects', members: 'members', reservations: 'members/ada/reservations' };

/** Adds rows as the version before does. Returns their names. */
async function addOld(kind: KindName, rows: number): Promise<readonly string[]> {
  const from = unique() * 10_000;
  await company.database.query(OLD[kind].add, [from, from + rows - 1]);
  return Array.from({ length: rows }, (_, index) => `${COLLECTIONS[kind]}/old${from + index}`);
}

const idOf = (name: string) => name.split('/').at(-1) ?? '';

const nameOf = (item: Resource) => (typeof item === 'string' ? item : item.name);

describe.each(Object.keys(KINDS) as KindName[])('a watch of %s', (name) => {
  const kind = KINDS[name];

  it('has what the version before writes', async () => {
    const watch = reading(kind.watch(company, { fromNow: true }));
    expect(await watch.snapshot()).toEqual([]);
    const [added = ''] = await addOld(name, 1);
    expect(await watch.changed()).toEqual(await kind.get(company, added));
    await company.database.query(OLD[name].change, [idOf(added)]);
    const changed = await kind.get(company, added);
    expect(await watch.changed()).toEqual(changed);
    await company.database.query(OLD[name].remove, [idOf(added)]);
    expect(nameOf(await watch.changed())).toBe(added);
    await watch.end();
  });
});

it('a watch of reservations may be of one member, and has the deletion of those of a project', async () => {
  const [{ name: member }, { name: other }] = [await KINDS.members.add(company), await KINDS.members.add(company)];
  const { name: project } = await KINDS.projects.add(company);
  const reserve = (parent: string, day: number) => {
    const weekStartDate = { year: 2031, month: 1, day };
    return company.team.createReservation({ parent, reservation: { project, weekStartDate, minutes: 5n } });
  };
  const late = await reserve(member, 13);
  const early = await reserve(member, 6);
  await reserve(other, 6);
  const watch = reading(company.team.watchReservations({ parent: member }));
  expect(await watch.snapshot()).toEqual([early, late]);
  await company.projects.deleteProject({ name: project });
  const told = [await watch.changed(), await watch.changed()];
  expect(told.toSorted()).toEqual([early.name, late.name].toSorted());
  await watch.end();
});
