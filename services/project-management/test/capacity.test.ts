import { beforeAll, describe, expect, it } from '@jest/globals';
import { DeliverProjectRequest } from '@rondo/contracts/projects/v1/delivery';
import type { Transaction } from '@rondo/database';
import { eventually, waitingForLocks } from '@rondo/database/testing';
import { lockCapacity } from '../src/member-weeks.js';
import { addMember, testCompany } from './company.js';
import { deliver } from './deliver.js';
import { monday } from './weeks.js';

const TEAM = 120;

const request = (projectId: string, effortMinutes: bigint) =>
  DeliverProjectRequest.fromPartial({
    projectId,
    project: { title: 'Sold' },
    tasks: [{ title: 'Task', effortMinutes }],
    startDate: monday(1),
  });

const company = testCompany();
const members: string[] = [];
beforeAll(async () => {
  for (let index = 0; index < TEAM; index += 1) members.push(await addMember(company, 100n));
});
/** Runs a transaction that goes on until it is released. */
function hold<T>(work: (transaction: Transaction) => Promise<T>) {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let reached = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const ended = company.database.transaction(async (transaction) => {
    const result = await work(transaction);
    reached();
    await released;
    return result;
  });
  return { held, release, ended };
}

describe('a delivery of a large team', () => {
  it('locks only the weeks that it takes, the oldest members first, and writes no others', async () => {
    const { held, release, ended } = hold((transaction) => deliver(transaction, request('small', 250n)));
    await held;
    // Another delivery passes by the locks as soon as it needs none of these weeks.
    const sql = `SELECT count(*)::int AS free FROM (SELECT FROM members JOIN member_weeks ON member_id = id FOR UPDATE SKIP LOCKED) AS week`;
    expect(await company.database.one(sql)).toEqual({ free: 0 });
    release();
    const { reservations } = await ended;
    expect(reservations.map(({ name, minutes }) => [name.split('/reservations/')[0], minutes])).toEqual([
      [members[0], 100n],
      [members[1], 100n],
      [members[2], 50n],
    ]);
    expect(await company.database.one('SELECT count(*)::int AS weeks FROM member_weeks')).toEqual({ weeks: 3 });
  });

  it('reads on where the first members of a week have no time left, and into later weeks', async () => {
    const { reservations } = await company.database.transaction((transaction) =>
      deliver(transaction, request('large', 12_000n)),
    );
    const taken = reservations.map(({ name, weekStartDate, minutes }) => ({
      member: members.indexOf(name.split('/reservations/')[0] ?? ''),
      week: weekStartDate?.day === monday(1).day ? 1 : 2,
      minutes,
    }));
    const expected = [
      { member: 2, week: 1, minutes: 50n },
      ...Array.from({ length: TEAM - 3 }, (_, index) => ({ member: index + 3, week: 1, minutes: 100n })),
      { member: 0, week: 2, minutes: 100n },
      { member: 1, week: 2, minutes: 100n },
      { member: 2, week: 2, minutes: 50n },
    ];
    expect(taken).toEqual(expected);
  });

  it('plans again by what it finds under the locks', async () => {
    const first = hold((transaction) => deliver(transaction, request('first', 50n)));
    await first.held;
    const second = company.database.transaction((transaction) => deliver(transaction, request('second', 150n)));
    await eventually('the second one waits', async () => (await waitingForLocks(company.database)) === 1);
    first.release();
    const [before, after] = [await first.ended, await second];
    expect(before.reservations.map(({ minutes }) => minutes)).toEqual([50n]);
    expect(after.reservations.map(({ minutes }) => minutes)).toEqual([100n, 50n]);
    expect(after.reservations[0]?.name).toContain(members[3] ?? '');
  });
});

describe('a change of a member', () => {
  it('of the display name does not wait for a delivery, one of the capacity does', async () => {
    const { held, release, ended } = hold((transaction) => deliver(transaction, request('slow', 10n)));
    await held;
    const [, , , , name = ''] = members;
    const renamed = company.team.updateMember({ member: { name, displayName: 'Ada' }, updateMask: ['display_name'] });
    await expect(renamed).resolves.toMatchObject({ displayName: 'Ada' });
    const capacity = { name: members.at(-1) ?? '', weeklyCapacityMinutes: 200n };
    const changed = company.team.updateMember({ member: capacity, updateMask: ['weekly_capacity_minutes'] });
    await eventually('the change waits', async () => (await waitingForLocks(company.database)) === 1);
    release();
    await ended;
    await expect(changed).resolves.toMatchObject({ weeklyCapacityMinutes: 200n });
  });

  it('of the capacity is not overtaken by deliveries that come later', async () => {
    const order: string[] = [];
    const before = hold((transaction) => lockCapacity(transaction, 'shared'));
    await before.held;
    const change = company.database.transaction(async (transaction) => {
      await lockCapacity(transaction, 'exclusive');
      order.push('change');
    });
    await eventually('the change waits', async () => (await waitingForLocks(company.database)) === 1);
    const later = company.database.transaction(async (transaction) => {
      await lockCapacity(transaction, 'shared');
      order.push('delivery');
    });
    await eventually('the delivery waits, too', async () => (await waitingForLocks(company.database)) === 2);
    before.release();
    await Promise.all([before.ended, change, later]);
    expect(order).toEqual(['change', 'delivery']);
  });
});
