import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@rondo/database/testing';
import { failureOf, ManualClock } from '@rondo/rpc/testing';
import { type Company, startCompany } from './company.js';
import { type Clients, KINDS, PARTIES, type Resource, reading, unique } from './watched.js';

let company: Company;
let replica: Clients;
beforeAll(async () => {
  company = await startCompany();
  replica = await company.startReplicas(1);
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

/** How long the reader of a watch may take nothing. */
const READ_TIMEOUT_MS = 60_000;

/** Adds rows as the version before does. Returns their names. */
async function addOld(kind: KindName, rows: number): Promise<readonly string[]> {
  const from = unique() * 10_000;
  await company.database.query(OLD[kind].add, [from, from + rows - 1]);
  return Array.from({ length: rows }, (_, index) => `${COLLECTIONS[kind]}/old${from + index}`);
}

const idOf = (name: string) => name.split('/').at(-1) ?? '';

/** Resolves when all changes have left the outbox. */
const relayed = () =>
  eventually(
    'the changes are relayed',
    async () => (await company.database.query('SELECT FROM sync_outbox')).length === 0,
  );

const nameOf = (item: Resource) => (typeof item === 'string' ? item : item.name);

describe.each(Object.keys(KINDS) as KindName[])('a watch of %s', (name) => {
  const kind = KINDS[name];

  it('starts with what is not deleted, then has each change as Get returns it', async () => {
    const before = await kind.add(company);
    const gone = await kind.add(company);
    await kind.remove(company, gone.name);
    const watch = reading(kind.watch(company, {}));
    const items = await watch.snapshot();
    expect(items).toContainEqual(before);
    expect(items.map(nameOf)).not.toContain(gone.name);

    const added = await kind.add(company);
    expect(await watch.changed()).toEqual(added);
    for (const write of [kind.change, kind.remove, kind.restore]) {
      const made = await write(company, added.name);
      expect(await watch.changed()).toEqual(made);
    }
    await watch.end();
  });

  it('has the changes of other replicas in order, and resumes at any of them with nothing lost or repeated', async () => {
    const { name: one } = await kind.add(company);
    const { name: two } = await kind.add(company);
    const watch = reading(kind.watch(company, {}));
    await watch.snapshot();
    const made: Resource[] = [];
    for (const at of [replica, company, replica]) made.push(await kind.change(at, one), await kind.change(at, two));
    const told = [await watch.changed(), await watch.changed(), await watch.changed()];
    await watch.end();
    made.push(await kind.remove(company, one), await kind.restore(replica, one));
    const resumed = reading(kind.watch(replica, { resumeToken: watch.token() }));
    while (told.length < made.length) told.push(await resumed.changed());
    expect(told).toEqual(made);
    const last = await kind.change(company, two);
    expect(await resumed.changed()).toEqual(last);
    await resumed.end();
  });

  it('comes in parts, with the deletions between them, and resumes after any part', async () => {
    const filled = await addOld(name, 250);
    const state = new Map<string, Resource>();
    let resumeToken = '';
    let parts = 0;
    let early: Resource = '';
    for (let isLast = false; !isLast; ) {
      const watch = reading(kind.watch(parts % 2 === 0 ? company : replica, { resumeToken }));
      const told = await watch.next();
      await watch.end();
      resumeToken = watch.token();
      if ('changed' in told) {
        expect(told.changed).toEqual(early);
        state.delete(nameOf(told.changed));
        continue;
      }
      parts += 1;
      expect(told.first).toBe(parts === 1);
      expect(told.items.length).toBeLessThanOrEqual(100);
      for (const item of told.items) state.set(nameOf(item), item);
      isLast = !told.more;
      if (parts !== 1) continue;
      // Reservations are of one week, and projects and members of the tests before: the first may be of any.
      const first = [...state.keys()].find((one) => filled.includes(one)) ?? [...state.keys()].at(-1) ?? '';
      await kind.remove(company, filled.at(-1) ?? '');
      early = await kind.remove(company, first);
      await relayed();
    }
    expect(parts).toBeGreaterThan(2);
    const rest = filled.filter((one) => one !== nameOf(early) && one !== filled.at(-1));
    for (const one of rest) expect(state.has(one)).toBe(true);
    for (const one of [nameOf(early), filled.at(-1) ?? '']) expect(state.has(one)).toBe(false);
  });

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

  it('is ended if it is not read, and its client resumes with nothing lost', async () => {
    const breaks: string[] = [];
    const options = { onStreamBreak: ({ codeName }: { codeName: string }) => void breaks.push(codeName) };
    const clock = new ManualClock();
    const slow = await company.startReplicas(1, clock);
    const watch = reading(kind.watch(slow, { fromNow: true }, options));
    await watch.snapshot();
    const added = await addOld(name, 200);
    await relayed();
    await clock.advance(READ_TIMEOUT_MS);
    const told: Resource[] = [];
    while (told.length < added.length) told.push(await watch.changed());
    expect(told.map(nameOf)).toEqual(added);
    expect(breaks).toContain('ABORTED');
    await watch.end();
  });

  it('refuses the token of another watch', async () => {
    const watch = reading(kind.watch(company, {}));
    await watch.snapshot();
    await watch.end();
    const foreign = reading(kind.watch(company, { resumeToken: watch.token(), fromNow: true }));
    const failure = await failureOf(foreign.next());
    expect(`${failure.codeName}: ${failure.message}`).toMatch(/^INVALID_ARGUMENT: .*resume_token/);
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
