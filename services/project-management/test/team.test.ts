import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import { CheckViolation, ForeignKeyViolation, UniqueViolation } from '@rondo/database';
import { Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { addMember, addProject, type Company, startCompany } from './company.js';

let company: Company;
beforeAll(async () => {
  company = await startCompany();
});
afterAll(() => company.stop());

describe('TeamService', () => {
  it('adds a member', async () => {
    const member = { displayName: 'Ada Lovelace', email: 'Ada@Example.com', weeklyCapacityMinutes: 10_080n };
    const created = await company.team.createMember({ member });
    expect(created).toMatchObject(member);
    expect(created.name).toMatch(/^members\/[a-z0-9]{20}$/);
    expect(await company.team.getMember({ name: created.name })).toEqual(created);
  });

  it('lets one of ten concurrent members have an e-mail address, ignoring case', async () => {
    const create = (email: string) => company.team.createMember({ member: { displayName: 'Grace', email } });
    const addresses = Array.from({ length: 10 }, (_, index) => (index % 2 ? 'grace@example.com' : 'GRACE@example.COM'));
    const outcomes = await Promise.allSettled(addresses.map(create));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const failure = await failureOf(create('Grace@example.com'));
    expect(failure.code).toBe(Status.ALREADY_EXISTS);
    expect(failure.message).toContain('another member has the e-mail address Grace@example.com');
  });

  it('reports every violation at once', async () => {
    const member = { displayName: ' ', email: 'ada at example', weeklyCapacityMinutes: 10_081n };
    const failure = await failureOf(company.team.createMember({ member, requestId: '1' }));
    expect(failure.code).toBe(Status.INVALID_ARGUMENT);
    expect(failure.detail(BadRequest)?.fieldViolations.map(({ field }) => field)).toEqual([
      'member.email',
      'member.weekly_capacity_minutes',
      'request_id',
      'member.display_name',
    ]);
  });

  it('reports an unknown member', async () => {
    const failure = await failureOf(company.team.getMember({ name: 'members/nobody' }));
    expect(failure.code).toBe(Status.NOT_FOUND);
    expect(failure.message).toBe("members/nobody doesn't exist; list the members with ListMembers");
    expect((await failureOf(company.team.getMember({ name: 'nobody' }))).message).toContain(
      'name: must match the pattern `^members/',
    );
  });

  it('lists from the newest to the oldest', async () => {
    const names = [await addMember(company), await addMember(company), await addMember(company)];
    const first = await company.team.listMembers({ pageSize: 2 });
    const second = await company.team.listMembers({ pageSize: 1, pageToken: first.nextPageToken });
    expect([...first.members, ...second.members].map(({ name }) => name)).toEqual(names.reverse());
    const malformed = company.team.listMembers({ pageToken: 'x' });
    expect((await failureOf(malformed)).message).toContain('page_token: must be');
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
