/**
 * The rules of planning, computed by brute force and minute by minute. It is slow, and shares only the types of its
 * input with the code under test.
 */
import type { Effort } from '../src/domain/planning/allocation.js';
import type { MemberTime } from '../src/domain/planning/days.js';
import type { Staffing } from '../src/domain/planning/finish-day.js';
import type { Dependency, RemainingTask } from '../src/domain/planning/task-graph.js';

interface Project {
  readonly tasks: readonly RemainingTask[];
  readonly dependencies: readonly Dependency[];
}

/** Examines every chain. */
export function criticalPathByAllChains(tasks: readonly RemainingTask[], dependencies: readonly Dependency[]) {
  const chains: number[][] = [];
  const grow = (chain: number[]): void => {
    const last = tasks[chain.at(-1) ?? 0];
    if (last !== undefined && last.effortMinutes > 0) chains.push(chain);
    for (const [at, { id }] of tasks.entries()) {
      if (dependencies.some(({ taskId, dependsOnId }) => taskId === id && dependsOnId === last?.id)) {
        grow([...chain, at]);
      }
    }
  };
  for (const [at, { effortMinutes }] of tasks.entries()) if (effortMinutes > 0) grow([at]);
  const effortOf = (chain: readonly number[]) => chain.reduce((sum, at) => sum + (tasks[at]?.effortMinutes ?? 0), 0);
  const minutes = Math.max(0, ...chains.map(effortOf));
  const longest = chains.filter((chain) => effortOf(chain) === minutes && minutes > 0).sort(byAge);
  return { taskIds: (longest[0] ?? []).map((at) => tasks[at]?.id), minutes };
}

function byAge(a: readonly number[], b: readonly number[]): number {
  const differing = a.findIndex((at, index) => at !== b[index]);
  return (a[differing] ?? 0) - (b[differing] ?? 0);
}

/** Simulates the work of all members minute by minute. */
export function finishDayByTheMinute(
  { tasks, dependencies }: Project,
  { team, firstDay }: Staffing,
): number | undefined {
  const left = new Map(tasks.map(({ id, effortMinutes }) => [id, effortMinutes]));
  const done = new Set<string>();
  const isReady = ({ id }: RemainingTask) =>
    dependencies.every(({ taskId, dependsOnId }) => taskId !== id || done.has(dependsOnId));
  const settle = (): void => {
    for (let before = -1; before !== done.size; ) {
      before = done.size;
      for (const task of tasks) if (left.get(task.id) === 0 && isReady(task)) done.add(task.id);
    }
  };
  settle();
  if (tasks.length === 0) return undefined;
  for (let day = firstDay; day < firstDay + 3652; day += 1) {
    if (day % 7 > 4) continue;
    for (let minute = 0; ; minute += 1) {
      const present = team.filter((member) => minute < (fifths(freeOf(member, Math.floor(day / 7)))[day % 7] ?? 0));
      const ready = new Set(tasks.filter((task) => isReady(task)));
      let worked = false;
      for (const { memberId } of present) {
        const mine = tasks.find(
          (task) => ready.has(task) && left.get(task.id) !== 0 && [undefined, memberId].includes(task.assigneeId),
        );
        if (mine === undefined) continue;
        left.set(mine.id, (left.get(mine.id) ?? 0) - 1);
        worked = true;
      }
      if (!worked) break;
      settle();
    }
    if (done.size === tasks.length) return day;
  }
  return undefined;
}

/** An allocation: the minutes of each week, or how many are missing. */
export type MinutesAllocated =
  | { readonly kind: 'short'; readonly missingMinutes: number }
  | {
      readonly kind: 'allocated';
      readonly shares: readonly { readonly memberId: string; readonly week: number; readonly minutes: number }[];
    };

/** Allocates one minute after another. */
export function allocateByTheMinute({ ofMembers, unassigned }: Effort, { team, firstDay }: Staffing): MinutesAllocated {
  const first = Math.floor(firstDay / 7);
  const taken = new Map<string, number>();
  const has = (member: MemberTime, week: number): boolean => {
    const free = freeOf(member, week);
    const days = fifths(free).slice(week === first ? firstDay % 7 : 0);
    return days.reduce((sum, minutes) => sum + minutes, 0) > (taken.get(`${week} ${member.memberId}`) ?? 0);
  };
  const takeOne = (members: readonly MemberTime[]): boolean => {
    for (let week = first; week < first + 104; week += 1) {
      const giver = members.find((member) => has(member, week));
      if (giver === undefined) continue;
      const key = `${week} ${giver.memberId}`;
      taken.set(key, (taken.get(key) ?? 0) + 1);
      return true;
    }
    return false;
  };
  let missingMinutes = 0;
  for (const [memberId, minutes] of ofMembers) {
    const members = team.filter((member) => member.memberId === memberId);
    for (let given = 0; given < minutes; given += 1) if (!takeOne(members)) missingMinutes += 1;
  }
  for (let given = 0; given < unassigned; given += 1) if (!takeOne(team)) missingMinutes += 1;
  if (missingMinutes > 0) return { kind: 'short', missingMinutes };
  const place = (id: string) => team.findIndex(({ memberId }) => memberId === id);
  const shares = [...taken].map(([key, minutes]) => {
    const [week = '', memberId = ''] = key.split(' ');
    return { memberId, week: Number(week), minutes };
  });
  return { kind: 'allocated', shares: shares.sort((a, b) => a.week - b.week || place(a.memberId) - place(b.memberId)) };
}

function freeOf({ weeklyCapacityMinutes, reservedMinutes }: MemberTime, week: number): number {
  return weeklyCapacityMinutes - (reservedMinutes.get(week) ?? 0);
}

/** Distributes a week's minutes to its weekdays in turn: one to Monday, one to Tuesday, and so on. */
function fifths(minutes: number): number[] {
  const days = [0, 0, 0, 0, 0, 0, 0];
  for (let minute = 0; minute < minutes; minute += 1) days[minute % 5] = (days[minute % 5] ?? 0) + 1;
  return days;
}
