import { type DayNumber, LAST_DAY, shareOfDay, weekdayOf, weekOf, freeMinutesOf, type MemberTime } from './days.js';
import type { TaskGraph } from './task-graph.js';
import { createTaskQueue, type TaskQueue } from './task-queue.js';

/** Ten years. */
const HORIZON_DAYS = 3_652;

/** Who works, and from when. */
export interface Staffing {
  /** The oldest member first. */
  readonly team: readonly MemberTime[];
  /** The first day that can be worked on. */
  readonly firstDay: DayNumber;
}

/**
 * The day on which the last task is done when each is begun as early as can be; undefined where nothing remains, or where
 * it isn't done within ten years (3,652 days). So it is found:
 *
 * - Of what is free in a member's week (capacity less reservations), each weekday has a fifth: see `shareOfDay`. A day's
 *   minutes are worked one after another from its beginning, which is the same for all.
 * - In each minute, each member who has time left on that day works on one task, the members taking their pick in the
 *   order of their age: the oldest task that can be worked on, is assigned to them or to nobody, and has minutes left. So
 *   several may work on a task that is nobody's.
 * - A task can be worked on from the minute after that in which the last one it waits for is done. One without effort is
 *   done at once, and what waits for it can begin in the same minute.
 *
 * A task of somebody who isn't in the team is worked on by nobody. Takes steps from one event to the next, not minutes.
 */
export function finishDayOf(graph: TaskGraph, { team, firstDay }: Staffing): DayNumber | undefined {
  if (graph.tasks.length === 0) return undefined;
  const work = createWork(graph);
  const end = Math.min(firstDay + HORIZON_DAYS, LAST_DAY + 1);
  const crew = team.map((member) => ({ member, own: work.queueOf(member.memberId) }));
  for (let day = firstDay; day < end; day += 1) {
    const weekday = weekdayOf(day);
    if (weekday > 4) continue;
    const week = weekOf(day);
    workDay(
      work,
      crew.map(({ member, own }) => ({ own, minutes: shareOfDay(freeMinutesOf(member, week), weekday) })),
    );
    if (work.left() === 0) return day;
  }
  return undefined;
}

/** The work that remains, as it gets less. */
interface Work {
  /** How many tasks aren't done. */
  left(): number;
  /** What can be worked on and is a member's. */
  queueOf(memberId: string): TaskQueue;
  /** What can be worked on and is nobody's. */
  readonly shared: TaskQueue;
  /** What a task takes still. */
  readonly minutes: number[];
  /** Takes the oldest task out of a queue, as it has no minutes left. */
  finish(queue: TaskQueue): void;
  /** Lets begin what waited for the tasks that have been finished. */
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

/** A member on one day. */
interface Shift {
  readonly own: TaskQueue;
  /** How long it is. */
  readonly minutes: number;
}

function workDay(work: Work, shifts: readonly Shift[]): void {
  let present = shifts.filter(({ minutes }) => minutes > 0);
  for (let minute = 0; present.length > 0; ) {
    const nextEnd = present.reduce((least, { minutes }) => Math.min(least, minutes), Number.POSITIVE_INFINITY);
    while (minute < nextEnd) {
      const worked = workOn(work, present, nextEnd - minute);
      if (worked === 0) return; // nobody has anything to do, and so nothing comes
      work.advance();
      minute += worked;
    }
    present = present.filter(({ minutes }) => minutes > nextEnd);
  }
}

/** Works until a task is done, at least a minute and at most `most`; how many minutes, 0 where nobody works. */
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
  // More members than the task has minutes: in this minute the later ones take their pick of what the earlier left.
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

/** The queue whose oldest task a member works on; undefined where there is nothing to do. */
function pick({ shared }: Work, { own }: Shift): TaskQueue | undefined {
  const [mine, anybodys] = [own.peek(), shared.peek()];
  if (mine === undefined) return anybodys === undefined ? undefined : shared;
  return anybodys === undefined || mine < anybodys ? own : shared;
}

function minutesLeft({ minutes }: Work, queue: TaskQueue): number {
  return minutes[queue.peek() ?? -1] ?? 0;
}
