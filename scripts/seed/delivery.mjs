/** How far the work on what was sold has come. */
import { mondayOf, toDate, toDay } from './calendar.mjs';
import { phaseOf } from './deals.mjs';
import { requestId } from './random.mjs';

/** How long a project is given. */
const DAYS = 42;
/** The states through which a project gets to where it is, the fewest that there are. */
const WAYS = {
  planned: ['PLANNED'],
  active: ['PLANNED', 'ACTIVE'],
  done: ['PLANNED', 'ACTIVE', 'DONE'],
  archived: ['PLANNED', 'ARCHIVED'],
};
/** The longest page there is; no project of these has as many. */
const MOST_RESERVATIONS = 100;

/**
 * Brings a project to where its deal says: who does which task and in which order, what is done of it, and last,
 * with its owner, its dates and state. One that has an owner is left as it is: it came so far before,
 * and may have come further since.
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
  // Where the team had capacity before. An archived project gives its time back by itself.
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

/** Whether a line's work is what another waits for: the last that comes before its phase. */
function isJustBefore(lines, one, other) {
  const [phase, after] = [phaseOf(lines[one]), phaseOf(lines[other])];
  const latest = Math.max(-1, ...lines.map(phaseOf).filter((any) => any < after));
  return phase === latest;
}

/** Where a task has to come: of an active project, the first half is done, and the next is under way. */
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

/** What is done needs no time any more, from a Monday on. */
async function release({ team, Status }, reservations, monday) {
  for (const { name } of reservations.filter(({ weekStartDate }) => toDay(weekStartDate) >= monday)) {
    await team.deleteReservation({ name }).catch((error) => {
      if (error.code !== Status.NOT_FOUND) throw error;
    });
  }
}

/** Keeps for a project what was worked on it in a week. */
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
