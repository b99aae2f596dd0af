import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ProjectState } from '@rondo/contracts/projects/v1/projects';
import { TaskState } from '@rondo/contracts/projects/v1/tasks';
import { addMember, addProject, type Company, startCompany } from './company.js';

let company: Company;
let ada: string;
let parent: string;
beforeAll(async () => {
  company = await startCompany();
  ada = await addMember(company);
  ({ name: parent } = await addProject(company, 'Tasks'));
  const { TASK_STATE_IN_PROGRESS: state } = TaskState;
  const { tasks } = await company.tasks.batchCreateTasks({
    parent,
    requests: [
      { task: { title: 'A "quoted" title', effortMinutes: 10n } },
      { task: { title: 'B', effortMinutes: 20n, assignee: ada } },
      { task: { title: 'C', effortMinutes: 30n, assignee: ada, state } },
      { task: { title: 'D', effortMinutes: 40n, state } },
      { task: { title: 'E', effortMinutes: 50n, assignee: ada, state } },
    ],
  });
  await company.tasks.updateTask({ task: { name: tasks[4]?.name ?? '', state: TaskState.TASK_STATE_DONE } });
  await company.tasks.deleteTask({ name: tasks[3]?.name ?? '' });
});
afterAll(() => company.stop());

async function titles(filter: string, showDeleted = false): Promise<string> {
  const { tasks } = await company.tasks.listTasks({ parent, filter: filter.replace('ADA', ada), showDeleted });
  return tasks.map(({ title }) => title[0]).join('');
}

describe('a filter of tasks', () => {
  it.each([
    ['', 'ABCE', 'ABCDE'],
    ['state = OPEN', 'AB', 'AB'],
    ['state = IN_PROGRESS', 'C', 'CD'],
    ['state != OPEN', 'CE', 'CDE'],
    ['state != OPEN AND state != DONE', 'C', 'CD'],
    ['state = OPEN AND state = DONE', '', ''],
    ['assignee = "ADA"', 'BCE', 'BCE'],
    ['assignee != "ADA"', 'A', 'AD'],
    ['assignee = "ADA" AND state = DONE', 'E', 'E'],
    ['effort_minutes >= 20 AND effort_minutes < 50', 'BC', 'BCD'],
    ['effort_minutes = 10', 'A', 'A'],
    ['title = "A \\"quoted\\" title"', 'A', 'A'],
    ['title > "B"', 'CE', 'CDE'],
    ['create_time < "2020-01-01T00:00:00Z"', '', ''],
    ['create_time > "2020-01-01T00:00:00Z" AND state = DONE', 'E', 'E'],
  ])('"%s" returns %s, with deleted tasks %s', async (filter, live, all) => {
    expect(await titles(filter)).toBe(live);
    expect(await titles(filter, true)).toBe(all);
  });
});

describe('a filter of projects', () => {
  it('compares state, owner, title and dates', async () => {
    const grace = await addMember(company);
    const startDate = { year: 2031, month: 1, day: 1 };
    const create = (title: string, project: object) =>
      company.projects.createProject({ project: { title, owner: grace, ...project } });
    await create('V', {});
    await create('W', { startDate, dueDate: { ...startDate, month: 2 } });
    await create('X', { startDate: { ...startDate, day: 2 }, state: ProjectState.PROJECT_STATE_ACTIVE });
    const { name } = await create('Y', { startDate, state: ProjectState.PROJECT_STATE_ACTIVE });
    await company.projects.deleteProject({ name });
    const list = async (filter: string, showDeleted = false) => {
      const request = { filter: `owner = "${grace}" ${filter}`, showDeleted };
      return (await company.projects.listProjects(request)).projects.map(({ title }) => title).join('');
    };
    expect(await list('')).toBe('XWV');
    expect(await list('', true)).toBe('YXWV');
    expect(await list('AND state = ACTIVE')).toBe('X');
    expect(await list('AND state != ACTIVE', true)).toBe('WV');
    expect(await list('AND start_date >= "2031-01-01"')).toBe('XW');
    expect(await list('AND due_date = "2031-02-01"')).toBe('W');
    expect(await list('AND title != "V"', true)).toBe('YXW');
  });
});
