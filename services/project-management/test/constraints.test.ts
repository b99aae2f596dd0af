import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CheckViolation, ForeignKeyViolation, UniqueViolation } from '@rondo/database';
import { addMember, addProject, type Company, startCompany } from './company.js';

let company: Company;
beforeAll(async () => {
  company = await startCompany();
  await addMember(company);
  await addProject(company);
});
afterAll(() => company.stop());

describe('the constraints of the database', () => {
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
