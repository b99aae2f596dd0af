import {
  type DayNumber,
  freeMinutesOf,
  LAST_DAY,
  type MemberTime,
  shareOfDay,
  type WeekNumber,
  weekdayOf,
  weekOf,
} from './days.js';
import type { TaskGraph } from './task-graph.js';
import { createTaskQueue, type TaskQueue } from './task-queue.js';

/** Ten years. */
const HORIZON_DAYS = 3_652;

/** The team, and the day on which work begins. */
export interface Staffing {
  /** The oldest member first. */
  readonly team: readonly MemberTime[];
  /** The first working day. */
  readonly firstDay: DayNumber;
  /** Called before the first day of each week. It may set the team's reserved minutes of that week. */
  readonly readWeek?: (week: WeekNumber) => Promise<void>;
}

/**
 * The day on which the last task is done if each task begins as early as possible. It is undefined if no task remains, or if the
 * last one isn't done within ten years (3,652 days). The simulation follows these rules:
 *
 * - Each weekday has a fifth of the free minutes of a member's week (capacity minus reservations), see `shareOfDay`. The minutes of
 *   a day are worked in sequence. The day begins at the same time for all members.
 * - In each minute, each member with time left on that day works on one task. The oldest member chooses first, and so on. A member
 *   chooses the oldest task that can be worked on, has minutes left, and is assigned to that member or is unassigned. So several
 *   members may work on an unassigned task.
 * - A task can be worked on from the minute after the last of its dependencies is done. A task without effort is done at once, and
 *   the tasks that depend on it can begin in the same minute.
 *
 * A task whose assignee isn't in the team is never worked on. The simulation steps from event to event, not by the minute.
 */
export async function finishDayOf(
  graph: TaskGraph,
  { team, firstDay, readWeek = async () => undefined }: Staffing,
): Promise<DayNumber | undefined> {
  if (graph.tasks.length === 0) return undefined;
  const work = createWork(graph);
  const end = Math.min(firstDay + HORIZON_DAYS, LAST_DAY + 1);
  const crew = team.map((member) => ({ member, own: work.queueOf(member.memberId) }));
  for (let day = firstDay; day < end; day += 1) {
    const weekday = weekdayOf(day);
    if (weekday > 4) continue;
    const week = weekOf(day);
    if (day === firstDay || weekday === 0) await readWeek(week);
    workDay(
      work,
      crew.map(({ member, own }) => ({ own, minutes: shareOfDay(freeMinutesOf(member, week), weekday) })),
    );
    if (work.left() === 0) return day;
  }
  return undefined;
}

/** The remaining work during the simulation. */
interface Work {
  /** The number of tasks that aren't done. */
  left(): number;
  /** The tasks that can be worked on and are assigned to a member. */
  queueOf(memberId: string): TaskQueue;
  /** The unassigned tasks that can be worked on. */
  readonly shared: TaskQueue;
  /** The remaining minutes, by task. */
  readonly minutes: number[];
  /** Removes the oldest task of a queue, which has no minutes left. */
  finish(queue: TaskQueue): void;
  /** Lets the tasks begin that depended on the finished ones. */
  advance(): void;
}

function createWork({ tasks, dependents, waitsFor }: TaskGraph): Work {
  const queues = new Map<string, TaskQueue>();
  const shared = createTaskQueue();
  const queueOf = (memberId: string): TaskQueue => {
    const queue = queues.get(memberId) ?? createTaskQueue();
    queues.set(memberId, queue);
    return queue;
  };
  const waits = [...waitsFor];
  const minutes = tasks.map(({ effortMinutes }) => effortMinutes);
  const finished: number[] = [];
  let left = tasks.length;

  const begin = (task: number): void => {
    const { effortMinutes = 0, assigneeId } = tasks[task] ?? {};
    if (effortMinutes === 0) finished.push(task);
    else (assigneeId === undefined ? shared : queueOf(assigneeId)).push(task);
  };
  const advance = (): void => {
    for (let done = finished.pop(); done !== undefined; done = finished.pop()) {
      left -= 1;
      for (const waiting of dependents[done] ?? []) {
        const count = (waits[waiting] ?? 0) - 1;
        waits[waiting] = count;
        if (count === 0) begin(waiting);
      }
    }
  };

  waits.forEach((count, task) => {
    if (count === 0) begin(task);
  });
  advance();
  return {
    left: () => left,
    queueOf,
    shared,
    minutes,
    finish(queue) {
      const task = queue.peek();
      queue.pop();
      if (task !== undefined) finished.push(task);
    },
    advance,
  };
}

/** A member's work on one day. */
interface Shift {
  readonly own: TaskQueue;
  /** The length of the shift. */
  readonly minutes: number;
}

function workDay(work: Work, shifts: readonly Shift[]): void {
  let present = shifts.filter(({ minutes }) => minutes > 0);
  for (let minute = 0; present.length > 0; ) {
    const nextEnd = present.reduce((least, { minutes }) => Math.min(least, minutes), Number.POSITIVE_INFINITY);
    while (minute < nextEnd) {
      const worked = workOn(work, present, nextEnd - minute);
      if (worked === 0) return; // no member has a task, so no further task can begin on this day
      work.advance();
      minute += worked;
    }
    present = present.filter(({ minutes }) => minutes > nextEnd);
  }
}

/**
 * Works until a task is done, at least one minute and at most `most` minutes. Returns the number of minutes, or 0 if no
 * member has a task.
 */
function workOn(work: Work, present: readonly Shift[], most: number): number {
  const picks = present.map((shift) => pick(work, shift));
  let together = 0;
  let span = Number.POSITIVE_INFINITY;
  for (const queue of picks) {
    if (queue === work.shared) together += 1;
    else if (queue !== undefined) span = Math.min(span, minutesLeft(work, queue));
  }
  if (together > 0) span = Math.min(span, Math.floor(minutesLeft(work, work.shared) / together));
  if (span === Number.POSITIVE_INFINITY) return 0;
  span = Math.min(span, most);
  if (span > 0) for (const queue of picks) spend(work, queue, span);
  // The task has fewer minutes than members who work on it. In this minute the members choose one after the other.
  else for (const shift of present) spend(work, pick(work, shift), 1);
  return Math.max(1, span);
}

function spend(work: Work, queue: TaskQueue | undefined, minutes: number): void {
  const task = queue?.peek();
  if (queue === undefined || task === undefined) return;
  const left = (work.minutes[task] ?? 0) - minutes;
  work.minutes[task] = left;
  if (left === 0) work.finish(queue);
}

/** The queue whose oldest task a member works on; undefined if the member has no task. */
function pick({ shared }: Work, { own }: Shift): TaskQueue | undefined {
  const [assigned, unassigned] = [own.peek(), shared.peek()];
  if (assigned === undefined) return unassigned === undefined ? undefined : shared;
  return unassigned === undefined || assigned < unassigned ? own : shared;
}

function minutesLeft({ minutes }: Work, queue: TaskQueue): number {
  return minutes[queue.peek() ?? -1] ?? 0;
}
