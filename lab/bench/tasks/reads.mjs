import { nextPageToken } from '@rondo/resources';

const PARENT = 'projects/large';
const PAGE = 50;

/** Every get and list of a company by name: functions that make the call, and resolve to its reply. */
export async function readsOf(company) {
  const { projectService, taskService, teamService, tasks } = company;
  const listTasks = (request) => taskService.listTasks({ parent: PARENT, pageSize: PAGE, ...request });
  const listProjects = (request) => projectService.listProjects({ pageSize: PAGE, ...request });
  const [task, project] = [await middleOf(company, 'tasks'), await middleOf(company, 'projects')];
  const deepTasks = (filter, showDeleted = false) => {
    const pageToken = tokenOf(`${PARENT}/tasks`, { filter, showDeleted }, task.sequence);
    return () => listTasks({ filter, showDeleted, pageToken });
  };
  const deepProjects = () => listProjects({ pageToken: tokenOf('projects', { filter: '' }, project.sequence) });
  const filtered = (filter) => () => listTasks({ filter });
  const since = new Date(Date.UTC(2020, 0, 1) + (tasks - 100) * 60_000).toISOString();
  return new Map([
    ['GetProject', () => projectService.getProject({ name: PARENT })],
    ['GetTask', () => taskService.getTask({ name: `${PARENT}/tasks/${task.id}` })],
    ['GetMember', () => teamService.getMember({ name: 'members/m7' })],
    ['ListMembers', () => teamService.listMembers({ pageSize: PAGE })],
    ['ListProjects', () => listProjects({})],
    ['ListProjects, from the middle', deepProjects],
    ['ListProjects, show_deleted', () => listProjects({ showDeleted: true })],
    ['ListProjects, by due_date', () => listProjects({ orderBy: 'due_date' })],
    ['ListProjects, state = ACTIVE', () => listProjects({ filter: 'state = ACTIVE' })],
    ['ListProjects, owner of one', () => listProjects({ filter: 'owner = "members/m50"' })],
    ['ListProjects, due_date early', () => listProjects({ filter: 'due_date < "2020-02-02"' })],
    ['ListTasks', () => listTasks({})],
    ['ListTasks of a small project', () => listTasks({ parent: 'projects/p5' })],
    ['ListTasks, from the middle', deepTasks('')],
    ['ListTasks, show_deleted', () => listTasks({ showDeleted: true })],
    ['ListTasks, show_deleted, from the middle', deepTasks('', true)],
    ['ListTasks, by effort_minutes', () => listTasks({ orderBy: 'effort_minutes desc' })],
    ['ListTasks, state = OPEN', filtered('state = OPEN')],
    ['ListTasks, state != DONE AND state != CANCELLED', filtered('state != DONE AND state != CANCELLED')],
    ['ListTasks, state = DONE, from the middle', deepTasks('state = DONE')],
    ['ListTasks, show_deleted, state = OPEN', () => listTasks({ filter: 'state = OPEN', showDeleted: true })],
    ['ListTasks, rare assignee', filtered('assignee = "members/m49"')],
    ['ListTasks, common assignee, from the middle', deepTasks('assignee = "members/m8"')],
    ['ListTasks, assignee AND state', filtered('assignee = "members/m8" AND state = OPEN')],
    ['ListTasks, title', filtered(`title = "Task ${tasks - 3}"`)],
    ['ListTasks, large effort', filtered('effort_minutes >= 1000')],
    ['ListTasks, some effort', filtered('effort_minutes > 300 AND effort_minutes < 400')],
    ['ListTasks, latest', filtered(`create_time >= "${since}"`)],
    ['ListTasks, latest half', filtered(`create_time >= "${task.create_time.toISOString()}"`)],
    ['ListTasks, nothing', filtered('effort_minutes < 0')],
  ]);
}

/** The row in the middle of a table, in the order of lists. */
function middleOf({ database }, table) {
  const rows = table === 'tasks' ? "project_id = 'large' AND delete_time IS NULL" : 'delete_time IS NULL';
  return database.one(
    `SELECT id, sequence, create_time FROM ${table} WHERE ${rows} ORDER BY sequence
     OFFSET (SELECT count(*) / 2 FROM ${table} WHERE ${rows}) LIMIT 1`,
  );
}

function tokenOf(collection, request, position) {
  return nextPageToken({ collection, fields: {} }, request, { position });
}
