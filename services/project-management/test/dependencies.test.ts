import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BadRequest, PreconditionFailure } from '@rondo/contracts/google/rpc/error_details';
import { Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { addProject, type Company, holdRow, startCompany } from './company.js';

let company: Company;
beforeAll(async () => {
  company = await startCompany();
});
afterAll(() => company.stop());

/** Creates a project with tasks. `a b:a c:a,b` are their ids, each with its dependencies after the colon. */
async function addTasks(text: string) {
  const { name: parent } = await addProject(company);
  const nameOf = (id: string) => `${parent}/tasks/${id}`;
  const requests = text.split(' ').map((part) => {
    const [taskId = '', on = ''] = part.split(':');
    return { taskId, task: { title: taskId, dependencies: on === '' ? [] : on.split(',').map(nameOf) } };
  });
  await company.tasks.batchCreateTasks({ parent, requests });
  const rewire = (id: string, on: readonly string[], client = company.tasks) =>
    client.updateTask({
      task: { name: nameOf(id), dependencies: on.map(nameOf) },
      updateMask: ['dependencies'],
    });
  return { parent, nameOf, rewire };
}

describe('dependencies', () => {
  it('keep their order, and can be replaced and cleared, which changes the task', async () => {
    const { nameOf, rewire } = await addTasks('a b c:b,a');
    const created = await company.tasks.getTask({ name: nameOf('c') });
    expect(created.dependencies).toEqual([nameOf('b'), nameOf('a')]);
    const turned = await rewire('c', ['a', 'b']);
    expect(turned.dependencies).toEqual([nameOf('a'), nameOf('b')]);
    expect(turned.etag).not.toBe(created.etag);
    expect(await rewire('c', ['a', 'b'])).toEqual(turned);
    const cleared = await rewire('c', []);
    expect(cleared.dependencies).toEqual([]);
    expect(await company.tasks.getTask({ name: nameOf('c') })).toEqual(cleared);
  });

  it('stay if an update changes other fields, and are in lists', async () => {
    const { parent, nameOf } = await addTasks('a b:a');
    const renamed = await company.tasks.updateTask({ task: { name: nameOf('b'), title: 'New' } });
    expect(renamed.dependencies).toEqual([nameOf('a')]);
    const { tasks } = await company.tasks.listTasks({ parent });
    expect(tasks.map(({ dependencies }) => dependencies)).toEqual([[], [nameOf('a')]]);
  });

  it('on itself, or in a circle of any length, are FAILED_PRECONDITION naming the circle', async () => {
    const { parent, nameOf, rewire } = await addTasks('a b:a c:b d:c e:a');
    const closed = await failureOf(rewire('a', ['d']));
    expect(closed.code).toBe(Status.FAILED_PRECONDITION);
    expect(closed.message).toContain(`tasks of ${parent} would depend on each other in a circle: `);
    expect(closed.message).toContain('a → d → c → b → a');
    expect(closed.detail(PreconditionFailure)?.violations).toMatchObject([{ type: 'DEPENDENCY' }]);
    expect((await failureOf(rewire('a', ['a']))).message).toContain('a → a;');
    expect((await company.tasks.getTask({ name: nameOf('a') })).dependencies).toEqual([]);
    await rewire('d', ['c', 'e']); // two ways to the same task are no circle
  });

  it('that would form a circle together are never both stored', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { parent, rewire } = await addTasks('a b c');
      const held = await holdRow(company, 'projects', parent);
      const writers = [
        rewire('a', ['b']),
        rewire('b', ['c'], company.tasksElsewhere),
        rewire('c', ['a'], company.tasksElsewhere),
      ];
      const outcomes = Promise.allSettled(writers);
      await held.waitedForBy(3);
      await held.release();
      const refused = (await outcomes).flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
      expect(refused.map(({ code }) => code)).toEqual([Status.FAILED_PRECONDITION]);
    }
  });

  it('that are unknown, deleted, of another project, malformed, duplicate or too many are all reported at once', async () => {
    const { parent, nameOf } = await addTasks('a b gone');
    await company.tasks.deleteTask({ name: nameOf('gone') });
    const create = (dependencies: string[]) =>
      failureOf(company.tasks.createTask({ parent, task: { title: 'T', dependencies } }));
    const unknown = await create([nameOf('a'), nameOf('gone'), nameOf('none')]);
    expect(unknown.code).toBe(Status.INVALID_ARGUMENT);
    expect(unknown.detail(BadRequest)?.fieldViolations.map(({ field }) => field)).toEqual([
      'task.dependencies[1]',
      'task.dependencies[2]',
    ]);
    expect(unknown.message).toContain(`${nameOf('gone')} doesn't exist, or is deleted`);
    const malformed = await create(['projects/other/tasks/a', 'a', nameOf('b'), nameOf('b')]);
    expect(malformed.detail(BadRequest)?.fieldViolations.map(({ field }) => field)).toEqual([
      'task.dependencies',
      'task.dependencies[1]',
      'task.dependencies[0]',
    ]);
    const many = Array.from({ length: 101 }, (_, index) => nameOf(`t${index}`));
    expect((await create(many)).message).toContain('task.dependencies: must contain no more than 100 items');
  });

  it('are reported together with an unknown assignee', async () => {
    const { parent, nameOf } = await addTasks('a');
    const task = { title: 'T', assignee: 'members/nobody', dependencies: [nameOf('none')] };
    const failure = await failureOf(company.tasks.createTask({ parent, task }));
    expect(failure.detail(BadRequest)?.fieldViolations.map(({ field }) => field)).toEqual([
      'task.assignee',
      'task.dependencies[0]',
    ]);
  });

  it('are refused for the first tasks of a project, which have no names yet', async () => {
    const tasks = [{ title: 'T', dependencies: ['projects/p/tasks/t'] }];
    const failure = await failureOf(company.projects.createProject({ project: { title: 'P' }, tasks }));
    expect(failure.message).toContain('tasks[0].dependencies: must be empty');
  });

  it('are searched for circles beyond the first budget of the search', async () => {
    const { parent, rewire } = await addTasks('first last');
    const id = parent.replace('projects/', '');
    await company.database.query(
      `INSERT INTO tasks (project_id, id, title, state, effort_minutes, create_time, update_time)
       SELECT $1, 'chain-' || n, 'T', 'OPEN', 1, now(), now() FROM generate_series(1, 5000) AS n`,
      [id],
    );
    await company.database.query(
      `INSERT INTO task_dependencies (project_id, task_id, depends_on_id, place)
       SELECT $1, 'chain-' || n, 'chain-' || n - 1, 1 FROM generate_series(2, 5000) AS n`,
      [id],
    );
    await rewire('first', ['chain-5000']);
    await rewire('chain-1', ['last']);
    const failure = await failureOf(rewire('last', ['first']));
    expect(failure.message).toContain('4993 more → last;');
    expect(failure.message).toContain('last → first → chain-5000 → chain-4999');
  });
});
