import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { BadRequest, PreconditionFailure } from '@rondo/contracts/google/rpc/error_details';
import type { DateMessage } from '@rondo/contracts/google/type/date';
import { ProjectState } from '@rondo/contracts/projects/v1/projects';
import { CheckViolation, ForeignKeyViolation, UniqueViolation } from '@rondo/database';
import { Status } from '@rondo/rpc/status';
import { failureOf, untilAnswered } from '@rondo/rpc/testing';
import { addMember, addProject, holdRow, testCompany } from './company.js';
import { monday, requireNothingOverbooked } from './weeks.js';

const company = testCompany();

interface ReservationOptions {
  readonly parent: string;
  readonly project: string;
  readonly week?: number;
  readonly minutes?: bigint;
  readonly requestId?: string;
}

function reserve({ parent, project, week = 1, minutes = 600n, requestId = '' }: ReservationOptions) {
  const reservation = { project, weekStartDate: monday(week), minutes };
  return company.team.createReservation({ parent, reservation, requestId });
}

async function freeIn(parent: string, week: number): Promise<bigint | undefined> {
  const { weeks } = await company.team.listMemberWeeks({ parent, startDate: monday(week), weekCount: 1 });
  return weeks[0]?.freeMinutes;
}

describe('CreateReservation', () => {
  it('reserves minutes of a week, once per request id, and DeleteReservation frees them', async () => {
    const [parent, { name: project }] = [await addMember(company), await addProject(company)];
    const requestId = randomUUID();
    const made = await reserve({ parent, project, requestId });
    expect(await reserve({ parent, project, requestId })).toEqual(made);
    expect(made).toMatchObject({ project, weekStartDate: monday(1), minutes: 600n });
    expect(made.name.startsWith(`${parent}/reservations/`)).toBe(true);
    expect(await company.team.getReservation({ name: made.name })).toEqual(made);
    const { weeks } = await company.team.listMemberWeeks({ parent, startDate: monday(0), weekCount: 3 });
    expect(weeks.map(({ freeMinutes }) => freeMinutes)).toEqual([2400n, 1800n, 2400n]);
    expect(weeks[1]).toMatchObject({ member: parent, capacityMinutes: 2400n, reservedMinutes: 600n });
    await company.team.deleteReservation({ name: made.name });
    expect(await freeIn(parent, 1)).toBe(2400n);
    expect((await failureOf(company.team.deleteReservation({ name: made.name }))).code).toBe(Status.NOT_FOUND);
    expect((await failureOf(company.team.getReservation({ name: made.name }))).code).toBe(Status.NOT_FOUND);
  });

  it('reports the free minutes if there are too few', async () => {
    const [parent, { name: project }] = [await addMember(company), await addProject(company)];
    await reserve({ parent, project, minutes: 2300n });
    const failure = await failureOf(reserve({ parent, project, minutes: 101n }));
    expect(failure.code).toBe(Status.FAILED_PRECONDITION);
    expect(failure.message).toContain(`${parent} has 100 of 2400 minutes free in the week of`);
    const [violation] = failure.detail(PreconditionFailure)?.violations ?? [];
    expect(violation).toMatchObject({ type: 'CAPACITY', subject: parent });
    await reserve({ parent, project, minutes: 100n });
    expect(await freeIn(parent, 1)).toBe(0n);
  });

  it('is refused for deleted or unknown members and projects', async () => {
    const [parent, { name: project }] = [await addMember(company), await addProject(company)];
    const gone = await failureOf(reserve({ parent: 'members/nobody', project }));
    expect(gone.code).toBe(Status.NOT_FOUND);
    const unknown = await failureOf(reserve({ parent, project: 'projects/none' }));
    expect(unknown.detail(BadRequest)?.fieldViolations.map(({ field }) => field)).toEqual(['reservation.project']);
    await company.projects.updateProject({ project: { name: project, state: ProjectState.PROJECT_STATE_ARCHIVED } });
    expect((await failureOf(reserve({ parent, project }))).message).toContain('is ARCHIVED');
    const { name: second } = await addProject(company);
    await company.projects.deleteProject({ name: second });
    expect((await failureOf(reserve({ parent, project: second }))).message).toContain('is deleted');
    const { name: third } = await addProject(company);
    await company.team.deleteMember({ name: parent });
    const deleted = await failureOf(reserve({ parent, project: third }));
    expect(deleted.message).toBe(`${parent} is deleted; bring it back with UndeleteMember first`);
  });

  it('reports every violation at once', async () => {
    const tuesday: DateMessage = { year: 2026, month: 11, day: 24 };
    const reservation = { project: 'p', weekStartDate: tuesday, minutes: 0n };
    const failure = await failureOf(company.team.createReservation({ parent: 'm', reservation, requestId: '1' }));
    const violations = failure.detail(BadRequest)?.fieldViolations ?? [];
    expect(violations.map(({ field }) => field)).toEqual([
      'parent',
      'reservation.project',
      'reservation.minutes',
      'request_id',
      'reservation.week_start_date',
    ]);
    expect(violations[4]?.description).toContain('2026-11-24 is a Tuesday, whose week begins on 2026-11-23');
    const none = await failureOf(company.team.createReservation({ parent: 'members/m' }));
    expect(none.message).toContain('reservation.week_start_date: is required');
  });
});

describe('ListReservations', () => {
  it('lists the earliest weeks first, of one member or of all, page by page', async () => {
    const [ada, bob] = [await addMember(company), await addMember(company)];
    const { name: project } = await addProject(company);
    for (const [parent, week] of [
      [ada, 5],
      [bob, 4],
      [ada, 3],
      [ada, 5],
    ] as const) {
      await reserve({ parent, project, week, minutes: 10n });
    }
    const filter = `project = "${project}"`;
    const all = await company.team.listReservations({ parent: 'members/-', filter });
    expect(all.reservations.map(({ weekStartDate }) => weekStartDate)).toEqual([3, 4, 5, 5].map(monday));
    const pages = [];
    for (let pageToken = ''; ; ) {
      const page = await company.team.listReservations({ parent: 'members/-', filter, pageSize: 3, pageToken });
      pages.push(...page.reservations);
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
    expect(pages).toEqual(all.reservations);
    const { year, month, day } = monday(5);
    const late = `week_start_date >= "${year}-${`${month}`.padStart(2, '0')}-${`${day}`.padStart(2, '0')}"`;
    const ofAda = await company.team.listReservations({ parent: ada, filter: `${late} AND minutes = 10` });
    expect(ofAda.reservations).toEqual(all.reservations.slice(2));
    const foreign = await company.team.listReservations({ parent: ada, pageSize: 1 });
    const mixed = company.team.listReservations({ parent: bob, pageToken: foreign.nextPageToken });
    expect((await failureOf(mixed)).message).toContain('page_token: must be');
    expect((await company.team.listReservations({ parent: await addMember(company) })).reservations).toEqual([]);
    expect((await failureOf(company.team.listReservations({ parent: 'members/no' }))).code).toBe(Status.NOT_FOUND);
  });
});

describe('ListMemberWeeks', () => {
  it.each([
    ['a leap day', '2028-02-29T12:00:00Z', { year: 2028, month: 2, day: 28 }],
    ['a Monday in the last week of a year', '2029-12-31T00:00:00Z', { year: 2029, month: 12, day: 31 }],
    ['a day before the one on which the process started', '2001-09-09T01:46:40Z', { year: 2001, month: 9, day: 3 }],
  ])('begins with the week of the wall clock: %s', async (_, time, monday) => {
    company.wallClockElsewhere.set(new Date(time));
    const { weeks } = await company.teamElsewhere.listMemberWeeks({ parent: await addMember(company), weekCount: 1 });
    expect(weeks.map(({ weekStartDate }) => weekStartDate)).toEqual([monday]);
    company.wallClockElsewhere.set(new Date());
  });

  it('lists eight weeks from the current one on by default', async () => {
    const parent = await addMember(company);
    const { weeks } = await company.team.listMemberWeeks({ parent });
    expect(weeks.map(({ weekStartDate }) => weekStartDate)).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map(monday));
    const last = { year: 9999, month: 12, day: 31 };
    const end = await company.team.listMemberWeeks({ parent, startDate: last, weekCount: 1 });
    expect(end.weeks[0]?.weekStartDate).toEqual({ year: 9999, month: 12, day: 27 });
    const beyond = await failureOf(company.team.listMemberWeeks({ parent, startDate: last, weekCount: 2 }));
    expect(beyond.message).toContain('must not reach beyond the year 9999');
    expect((await failureOf(company.team.listMemberWeeks({ parent: 'x', weekCount: 105 }))).message).toMatch(
      /parent: must match.*week_count: must be/s,
    );
    expect((await failureOf(company.team.listMemberWeeks({ parent: 'members/no' }))).code).toBe(Status.NOT_FOUND);
  });
});

describe('UpdateMember', () => {
  it('refuses less capacity than the reserved minutes of a week that is not over', async () => {
    const [name, { name: project }] = [await addMember(company), await addProject(company)];
    await reserve({ parent: name, project, week: -3, minutes: 2400n });
    await reserve({ parent: name, project, week: 0, minutes: 600n });
    await reserve({ parent: name, project, week: 2, minutes: 700n });
    const lower = (weeklyCapacityMinutes: bigint) =>
      company.team.updateMember({ member: { name, weeklyCapacityMinutes } });
    const failure = await failureOf(lower(599n));
    expect(failure.code).toBe(Status.FAILED_PRECONDITION);
    expect(failure.message).toMatch(/more than 599 minutes of members.* weeks of \S+ \(600\), \S+ \(700\); release/);
    expect((await failureOf(lower(699n))).message).toMatch(/weeks of \S+ \(700\); release/);
    expect(await lower(700n)).toMatchObject({ weeklyCapacityMinutes: 700n });
    const { weeks } = await company.team.listMemberWeeks({ parent: name, startDate: monday(-3), weekCount: 6 });
    expect(weeks.map(({ capacityMinutes }) => capacityMinutes)).toEqual([2400n, 700n, 700n, 700n, 700n, 700n]);
    expect(await lower(2000n)).toMatchObject({ weeklyCapacityMinutes: 2000n });
    expect(await freeIn(name, 2)).toBe(1300n);
    expect(await freeIn(name, -3)).toBe(0n);
  });
});

describe('DeleteMember', () => {
  it('hides a member until UndeleteMember, and refuses a member with reservations', async () => {
    const [name, { name: project }] = [await addMember(company), await addProject(company)];
    const { email, etag } = await company.team.getMember({ name });
    await reserve({ parent: name, project, week: -1 });
    const held = await reserve({ parent: name, project, week: 0 });
    const refused = await failureOf(company.team.deleteMember({ name }));
    expect(refused.code).toBe(Status.FAILED_PRECONDITION);
    expect(refused.message).toMatch(/is reserved in the weeks of \S+ \(600\); release it first/);
    await company.team.deleteReservation({ name: held.name });
    expect((await failureOf(company.team.deleteMember({ name, etag: '"9"' }))).code).toBe(Status.ABORTED);
    const deleted = await company.team.deleteMember({ name, etag });
    expect(deleted.deleteTime).toEqual(deleted.updateTime);
    expect(await company.team.deleteMember({ name, etag })).toEqual(deleted);
    expect(await company.team.getMember({ name })).toEqual(deleted);
    const names = async (showDeleted: boolean) =>
      (await company.team.listMembers({ showDeleted, filter: `email = "${email}"` })).members.map((one) => one.name);
    expect([await names(false), await names(true)]).toEqual([[], [name]]);
    const change = company.team.updateMember({ member: { name, displayName: 'Ghost' } });
    expect((await failureOf(change)).message).toContain('is deleted; bring it back with UndeleteMember first');
    const assigned = company.projects.createProject({ project: { title: 'X', owner: name } });
    expect((await failureOf(assigned)).code).toBe(Status.INVALID_ARGUMENT);
    expect(await company.team.undeleteMember({ name })).toMatchObject({ email, deleteTime: undefined });
    expect((await company.team.undeleteMember({ name })).deleteTime).toBeUndefined();
  });

  it('frees the e-mail address; a member who takes it keeps it', async () => {
    const name = await addMember(company);
    const { email } = await company.team.deleteMember({ name });
    await company.team.createMember({ member: { displayName: 'Heir', email } });
    expect((await failureOf(company.team.undeleteMember({ name }))).code).toBe(Status.ALREADY_EXISTS);
  });
});

describe('DeleteProject', () => {
  it('deletes its reservations, which UndeleteProject does not restore', async () => {
    const [ada, bob] = [await addMember(company), await addMember(company)];
    const { name } = await addProject(company);
    for (const parent of [ada, bob, ada]) await reserve({ parent, project: name });
    await company.projects.deleteProject({ name });
    await company.projects.undeleteProject({ name });
    expect([await freeIn(ada, 1), await freeIn(bob, 1)]).toEqual([2400n, 2400n]);
    const { reservations } = await company.team.listReservations({
      parent: 'members/-',
      filter: `project = "${name}"`,
    });
    expect(reservations).toEqual([]);
  });
});

describe('a project that becomes DONE', () => {
  it('releases the weeks after the current one, and keeps the others as what was worked', async () => {
    const ada = await addMember(company);
    const { name } = await addProject(company);
    for (const week of [0, 1, 2]) await reserve({ parent: ada, project: name, week });
    const done = { name, state: ProjectState.PROJECT_STATE_ACTIVE };
    await company.projects.updateProject({ project: done });
    await company.projects.updateProject({ project: { ...done, state: ProjectState.PROJECT_STATE_DONE } });
    expect([await freeIn(ada, 0), await freeIn(ada, 1), await freeIn(ada, 2)]).toEqual([1800n, 2400n, 2400n]);
  });
});

describe('capacity', () => {
  it('of a week is never exceeded by fifty concurrent reservations through two instances', async () => {
    const [parent, { name: project }] = [await addMember(company, 1000n), await addProject(company)];
    const reservation = { project, weekStartDate: monday(1), minutes: 90n };
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) => {
        const team = index % 2 === 0 ? company.team : company.teamElsewhere;
        const requestId = randomUUID();
        return untilAnswered(() => team.createReservation({ parent, reservation, requestId }));
      }),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(11);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: Status.FAILED_PRECONDITION });
    }
    expect(await freeIn(parent, 1)).toBe(10n);
    await requireNothingOverbooked(company.database);
  });

  it('is never lowered below the minutes that are reserved concurrently', async () => {
    const [parent, { name: project }] = [await addMember(company, 1000n), await addProject(company)];
    const reservation = { project, weekStartDate: monday(1), minutes: 100n };
    const row = await holdRow(company, 'members', parent);
    const reserving = Array.from({ length: 4 }, () => company.team.createReservation({ parent, reservation }));
    const lowering = [300n, 500n].map((weeklyCapacityMinutes) =>
      company.teamElsewhere.updateMember({ member: { name: parent, weeklyCapacityMinutes } }),
    );
    const outcomes = Promise.allSettled([...reserving, ...lowering]);
    await row.waitedForBy(6);
    await row.release();
    for (const outcome of await outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: Status.FAILED_PRECONDITION });
    }
    await requireNothingOverbooked(company.database);
  });

  it.each([
    'UPDATE member_weeks SET reserved_minutes = 2401 WHERE capacity_minutes = 2400',
    'UPDATE member_weeks SET reserved_minutes = -1',
    'UPDATE members SET weekly_capacity_minutes = 1',
    'UPDATE member_weeks SET capacity_minutes = NULL',
  ])('is checked by the database, which refuses %s', async (sql) => {
    await reserve({ parent: await addMember(company), project: (await addProject(company)).name });
    await expect(company.database.query(sql)).rejects.toThrow(CheckViolation);
  });

  it("of a week always equals the member's capacity", async () => {
    await reserve({ parent: await addMember(company), project: (await addProject(company)).name });
    const sql = 'UPDATE member_weeks SET capacity_minutes = 10080 WHERE capacity_minutes = 2400';
    await expect(company.database.query(sql)).rejects.toThrow(ForeignKeyViolation);
  });
});

describe('TeamService', () => {
  it('adds a member, once per request id', async () => {
    const member = { displayName: 'Ada Lovelace', email: 'Ada@Example.com', weeklyCapacityMinutes: 10_080n };
    const request = { member, requestId: randomUUID() };
    const created = await company.team.createMember(request);
    expect(await company.team.createMember(request)).toEqual(created);
    expect(created).toMatchObject(member);
    expect(created.name).toMatch(/^members\/[a-z0-9]{20}$/);
    expect(await company.team.getMember({ name: created.name })).toEqual(created);
    const filter = 'display_name = "Ada Lovelace" AND weekly_capacity_minutes = 10080';
    expect((await company.team.listMembers({ filter })).members).toEqual([created]);
  });
});

describe('the constraints of the database', () => {
  beforeAll(async () => {
    await addProject(company);
  });

  it.each([
    "UPDATE projects SET title = ''",
    "UPDATE projects SET state = 'LOST'",
    "UPDATE projects SET start_date = '2025-01-02', due_date = '2025-01-01'",
    'UPDATE projects SET version = 0',
    `INSERT INTO tasks (id, project_id, title, state, effort_minutes, create_time, update_time)
     SELECT 'x', id, 'x', 'OPEN', 10000001, now(), now() FROM projects`,
    `INSERT INTO members (id, display_name, email, weekly_capacity_minutes) VALUES ('x', 'x', 'x@x', -1)`,
  ])('refuse %s', async (sql) => {
    await expect(company.database.query(sql)).rejects.toThrow(CheckViolation);
  });

  it('refuse an unknown owner, and a second member with the same e-mail address', async () => {
    await expect(company.database.query("UPDATE projects SET owner_id = 'nobody'")).rejects.toThrow(
      ForeignKeyViolation,
    );
    const copy = `INSERT INTO members (id, display_name, email, weekly_capacity_minutes)
      SELECT 'copy', display_name, upper(email), 0 FROM members LIMIT 1`;
    await expect(company.database.query(copy)).rejects.toThrow(UniqueViolation);
  });
});
