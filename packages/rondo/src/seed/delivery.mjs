/** Brings the projects of sold deals to their planned state. */
import { mondayOf, toDate, toDay } from './calendar.mjs';
import { phaseOf } from './deals.mjs';
import { requestId } from './random.mjs';

/** The duration of a project. */
const DAYS = 42;
/** The shortest sequence of states that leads a project to its fate. */
const WAYS = {
  planned: ['PLANNED'],
  active: ['PLANNED', 'ACTIVE'],
  done: ['PLANNED', 'ACTIVE', 'DONE'],
  archived: ['PLANNED', 'ARCHIVED'],
};
/** The maximum page size; no project here has more reservations. */
const MOST_RESERVATIONS = 100;

/**
 * Brings a project to the fate of its deal: assigns and orders its tasks, sets their states, and last sets the project's owner,
 * dates and state. A project with an owner is left as it is: an earlier run has finished it, and it may have changed since.
 */
export async function moveOn(clients, deal, { project: name, members, today }) {
  const project = await clients.projects.getProject({ name });
  if (project.owner !== '') return;
  const { reservations } = await clients.team.listReservations({
    parent: 'members/-',
    filter: `project = "${name}"`,
    pageSize: MOST_RESERVATIONS,
  });
  const isOver = deal.fate === 'done' || deal.fate === 'archived';
  const ofCrew = deal.crew.map((index) => members[index].name);
  const busy = [...new Set(reservations.map((reservation) => reservation.name.split('/').slice(0, 2).join('/')))];
  await moveTasks(clients, deal, { name, crew: isOver || busy.length === 0 ? ofCrew : busy });
  // A project that is done needs its reservations no more. The service releases those of an archived project itself.
  if (deal.fate === 'done') await release(clients, reservations, mondayOf(today));
  await moveProject(clients, deal, { project, owner: ofCrew[0] });
}

async function moveTasks({ tasks, TaskState }, deal, { name, crew }) {
  const { tasks: made } = await tasks.listTasks({ parent: name, pageSize: 100 });
  for (const [index, task] of made.entries()) {
    const before = made.filter((_, other) => isJustBefore(deal.lines, other, index)).map((other) => other.name);
    for (const change of changesOf(task, { goal: goalOf(deal.fate, index, made.length), TaskState })) {
      await tasks.updateTask({
        task: { name: task.name, ...change, assignee: crew[index % crew.length], dependencies: before },
        updateMask: ['state', 'assignee', 'dependencies'],
      });
    }
  }
}

/** Whether the work of line `one` is in the last phase before that of line `other`, which then depends on it. */
function isJustBefore(lines, one, other) {
  const [phase, after] = [phaseOf(lines[one]), phaseOf(lines[other])];
  const latest = Math.max(-1, ...lines.map(phaseOf).filter((any) => any < after));
  return phase === latest;
}

/** The state of a task: in an active project, the first half is done, and the next task is in progress. */
function goalOf(fate, index, count) {
  if (fate === 'planned') return 'OPEN';
  if (fate !== 'active' || index < Math.floor(count / 2)) return 'DONE';
  return index === Math.floor(count / 2) ? 'IN_PROGRESS' : 'OPEN';
}

function changesOf({ state }, { goal, TaskState }) {
  const way = ['OPEN', 'IN_PROGRESS', 'DONE'].map((each) => TaskState[`TASK_STATE_${each}`]);
  const end = way.indexOf(TaskState[`TASK_STATE_${goal}`]) + 1;
  const left = way.slice(way.indexOf(state) + 1, end);
  return (left.length > 0 ? left : [state]).map((next) => ({ state: next }));
}

/** Deletes the reservations from a Monday on. */
async function release({ team, Status }, reservations, monday) {
  for (const { name } of reservations.filter(({ weekStartDate }) => toDay(weekStartDate) >= monday)) {
    await team.deleteReservation({ name }).catch((error) => {
      if (error.code !== Status.NOT_FOUND) throw error;
    });
  }
}

/** Reserves a member's past week for a project. */
export async function reserve({ team }, { key, member, monday, minutes }, { project, members }) {
  await team.createReservation({
    parent: members[member].name,
    reservation: { project, weekStartDate: toDate(monday), minutes },
    requestId: requestId(`${key}, week of ${monday}, ${member}`),
  });
}

async function moveProject({ projects, ProjectState }, deal, { project: { name, state }, owner }) {
  const way = WAYS[deal.fate].map((each) => ProjectState[`PROJECT_STATE_${each}`]);
  const end = way.length - 1;
  for (const next of way.slice(way.indexOf(state) + 1, end)) {
    await projects.updateProject({ project: { name, state: next }, updateMask: ['state'] });
  }
  const [startDate, dueDate] = [toDate(deal.orderDay), toDate(deal.orderDay + DAYS)];
  await projects.updateProject({
    project: { name, state: way[end], owner, startDate, dueDate },
    updateMask: ['state', 'owner', 'start_date', 'due_date'],
  });
}
