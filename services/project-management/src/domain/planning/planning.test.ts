import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@rondo/rpc/testing';
import { allocateByTheMinute, criticalPathByAllChains, finishDayByTheMinute } from '../../../test/brute-force.js';
import { allocate, freeFrom, type Offer, type Offers, weeksFrom } from './allocation.js';
import {
  dateOf,
  dayName,
  dayNumberOf,
  freeMinutesOf,
  LAST_DAY,
  type MemberTime,
  mondayOf,
  shareFromDay,
  shareOfDay,
  weekOf,
} from './days.js';
import { finishDayOf, type Staffing } from './finish-day.js';
import { createTaskGraph, criticalPathOf, type Dependency, type RemainingTask, workOrder } from './task-graph.js';

const { next } = seededRandom(20_261_120);
const below = (limit: number) => Math.floor(next() * limit);
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));
const MONDAY = dayNumberOf('2026-11-23');

/** Random tasks, some of them milestones, with dependencies in any order of age but without a circle. */
function anyProject(most: number): { readonly tasks: RemainingTask[]; readonly dependencies: Dependency[] } {
  const tasks = times(1 + below(most), (at) => ({
    id: `t${at}`,
    effortMinutes: below(4) === 0 ? 0 : below(1 + 7 ** below(4)),
    assigneeId: below(2) === 0 ? undefined : `m${below(4)}`,
  }));
  const rank = tasks.map(() => next());
  const dependencies = tasks.flatMap(({ id }, task) =>
    tasks.flatMap(({ id: dependsOnId }, other) =>
      (rank[other] ?? 0) < (rank[task] ?? 0) && below(4) === 0 ? [{ taskId: id, dependsOnId }] : [],
    ),
  );
  return { tasks, dependencies };
}

/** Up to three random members, some without capacity, some with reserved weeks. `m3` is never among them. */
function anyTeam(): MemberTime[] {
  return times(below(4), (at) => {
    const weeklyCapacityMinutes = below(1 + 5 ** below(5));
    const reserved = times(3, (index) => [weekOf(MONDAY) + index, below(weeklyCapacityMinutes + 1)] as const);
    return { memberId: `m${at}`, weeklyCapacityMinutes, reservedMinutes: new Map(reserved.slice(below(4))) };
  });
}

describe('days', () => {
  it.each([
    ['0001-01-01', 0, 'Monday'],
    ['1970-01-01', 719_162, 'Thursday'],
    ['2026-11-20', 739_939, 'Friday'],
    ['9999-12-31', LAST_DAY, 'Friday'],
  ])('%s is day %d, a %s', (date, day, name) => {
    expect([dayNumberOf(date), dateOf(day), dayName(day)]).toEqual([day, date, name]);
  });

  it('end with the year 9999', () => {
    expect(() => dateOf(LAST_DAY + 1)).toThrow(RangeError);
    expect(dateOf(mondayOf(weekOf(dayNumberOf('2026-11-22'))))).toBe('2026-11-16');
  });

  it('have a fifth of a week each; the first days have one minute more', () => {
    expect(times(7, (weekday) => shareOfDay(2402, weekday))).toEqual([481, 481, 480, 480, 480, 0, 0]);
    for (const minutes of times(200, below)) expect(shareFromDay(minutes, 0)).toBe(minutes);
    expect(shareFromDay(2402, 3)).toBe(960);
    expect(shareFromDay(2402, 6)).toBe(0);
  });
});

describe('the critical path', () => {
  it('equals the result of examining all chains, for random projects', () => {
    for (const _ of times(400, () => 0)) {
      const { tasks, dependencies } = anyProject(9);
      expect(criticalPathOf(createTaskGraph(tasks, dependencies))).toEqual(
        criticalPathByAllChains(tasks, dependencies),
      );
    }
  });

  it('is found in a chain of 30,000 tasks without a stack overflow', () => {
    const tasks = times(30_000, (at) => ({ id: `t${at}`, effortMinutes: 3, assigneeId: undefined }));
    const dependencies = tasks.slice(1).map(({ id }, at) => ({ taskId: id, dependsOnId: `t${at}` }));
    const { taskIds, minutes } = criticalPathOf(createTaskGraph(tasks, dependencies));
    expect([taskIds.length, taskIds.at(-1), minutes]).toEqual([30_000, 't29999', 90_000]);
  });

  it('ignores dependencies on tasks that are done', () => {
    const tasks = ['a', 'c'].map((id) => ({ id, effortMinutes: 5, assigneeId: undefined }));
    const dependencies = [
      { taskId: 'c', dependsOnId: 'b' },
      { taskId: 'b', dependsOnId: 'a' },
    ];
    expect(criticalPathOf(createTaskGraph(tasks, dependencies))).toEqual({ taskIds: ['a'], minutes: 5 });
  });

  it('fails if there is a circle, which the store should have refused', () => {
    const tasks = ['a', 'b'].map((id) => ({ id, effortMinutes: 1, assigneeId: undefined }));
    const dependencies = [
      { taskId: 'a', dependsOnId: 'b' },
      { taskId: 'b', dependsOnId: 'a' },
    ];
    expect(() => workOrder(createTaskGraph(tasks, dependencies))).toThrow('in a circle');
  });
});

describe('the day on which a project is finished', () => {
  it('equals the result of a simulation by the minute, for random projects and teams', async () => {
    let found = 0;
    for (const _ of times(100, () => 0)) {
      const { tasks, dependencies } = anyProject(8);
      const staffing = { team: anyTeam(), firstDay: MONDAY + below(14) };
      const expected = finishDayByTheMinute({ tasks, dependencies }, staffing);
      await expect(finishDayOf(createTaskGraph(tasks, dependencies), staffing)).resolves.toBe(expected);
      if (expected !== undefined) found += 1;
    }
    expect(found).toBeGreaterThan(30);
  });

  it('is unknown without a task, and for more work than ten years have', async () => {
    const team: MemberTime[] = [{ memberId: 'ada', weeklyCapacityMinutes: 2400, reservedMinutes: new Map() }];
    for (const efforts of [[], [10_000_000]]) {
      const tasks = efforts.map((effortMinutes) => ({ id: 'a', effortMinutes, assigneeId: undefined }));
      expect(await finishDayOf(createTaskGraph(tasks, []), { team, firstDay: MONDAY })).toBeUndefined();
    }
  });
});

/** The free minutes of a team, all of them known. */
function offersOf({ team, firstDay }: Staffing): Offers {
  const offers: Offer[] = weeksFrom(firstDay).flatMap((week) =>
    team.map((member, at) => ({
      memberId: member.memberId,
      memberSequence: BigInt(at),
      week,
      free: freeFrom(freeMinutesOf(member, week), week, firstDay),
      taken: 0,
    })),
  );
  const among = async function* (chosen: readonly Offer[]) {
    yield* chosen;
  };
  return { ofMember: (id) => among(offers.filter(({ memberId }) => memberId === id)), all: () => among(offers) };
}

describe('an allocation', () => {
  it('equals the result of allocating minute by minute, for random efforts and teams', async () => {
    const kinds = new Set<string>();
    for (const _ of times(100, () => 0)) {
      const effort = {
        ofMembers: new Map(times(below(3), () => [`m${below(4)}`, 1 + below(300)] as const)),
        unassigned: below(1 + 7 ** below(5)),
      };
      const availability = { team: anyTeam(), firstDay: MONDAY + below(14) };
      const allocation = await allocate(effort, offersOf(availability));
      const shares =
        allocation.kind === 'short'
          ? undefined
          : allocation.shares.map(({ memberId, week, taken }) => ({ memberId, week, minutes: taken }));
      expect({ ...allocation, shares }).toEqual({ shares: undefined, ...allocateByTheMinute(effort, availability) });
      kinds.add(allocation.kind);
    }
    expect(kinds).toEqual(new Set(['allocated', 'short']));
  });
});
