import { describe, expect, it } from '@jest/globals';
import { PreconditionFailure } from '@rondo/contracts/google/rpc/error_details';
import { ProjectState } from '@rondo/contracts/projects/v1/projects';
import { Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { addProject, testCompany } from './company.js';

const company = testCompany();

async function addTask(taskId = 'task', dependencies: string[] = []) {
  const { name: parent } = await addProject(company);
  const task = await company.tasks.createTask({ parent, taskId, task: { title: 'T', dependencies } });
  return { ...task, parent };
}

describe('DeleteProject', () => {
  it('hides its tasks, which can not be changed until the project is undeleted', async () => {
    const task = await addTask();
    const { parent } = task;
    await company.tasks.createTask({ parent, taskId: 'gone', task: { title: 'Gone' } });
    const gone = await company.tasks.deleteTask({ name: `${parent}/tasks/gone` });
    await company.projects.deleteProject({ name: parent });
    expect((await company.tasks.listTasks({ parent })).tasks).toEqual([]);
    expect((await company.tasks.listTasks({ parent, showDeleted: true })).tasks).toHaveLength(2);
    const refused = [
      company.tasks.updateTask({ task: { name: task.name, title: 'New' } }),
      company.tasks.createTask({ parent, task: { title: 'New' } }),
      company.tasks.deleteTask({ name: task.name }),
      company.tasks.undeleteTask({ name: gone.name }),
      company.projects.updateProject({ project: { name: parent, title: 'New' } }),
    ];
    for (const failure of await Promise.all(refused.map(failureOf))) {
      expect(failure.code).toBe(Status.FAILED_PRECONDITION);
      expect(failure.message).toContain(`${parent} is deleted`);
      expect(failure.detail(PreconditionFailure)?.violations).toMatchObject([{ type: 'STATE', subject: parent }]);
    }
    await company.projects.undeleteProject({ name: parent });
    const { tasks } = await company.tasks.listTasks({ parent });
    expect(tasks.map(({ name }) => name)).toEqual([task.name]);
  });

  it('deletes an archived project', async () => {
    const { name } = await addProject(company);
    await company.projects.updateProject({ project: { name, state: ProjectState.PROJECT_STATE_ARCHIVED } });
    expect((await company.projects.deleteProject({ name })).deleteTime).toBeDefined();
  });
});

describe('DeleteTask', () => {
  it('hides the task from lists, estimates and watches until UndeleteTask', async () => {
    const { name, parent, etag } = await addTask();
    const deleted = await company.tasks.deleteTask({ name, etag });
    expect(deleted.deleteTime).toEqual(deleted.updateTime);
    expect(await company.tasks.deleteTask({ name, etag })).toEqual(deleted);
    expect(await company.tasks.getTask({ name })).toEqual(deleted);
    expect((await company.tasks.listTasks({ parent })).tasks).toEqual([]);
    expect((await company.tasks.listTasks({ parent, showDeleted: true })).tasks).toEqual([deleted]);
    expect(await company.projects.estimateProject({ name: parent })).toMatchObject({ taskCount: 0n });
    for await (const { event } of company.projects.watchProject({ name: parent })) {
      expect(event).toMatchObject({ $case: 'snapshot', value: { tasks: [] } });
      break;
    }
    const renamed = await failureOf(company.tasks.updateTask({ task: { name, title: 'New' } }));
    expect(renamed.code).toBe(Status.FAILED_PRECONDITION);
    expect(renamed.message).toBe(`${name} is deleted; bring it back with UndeleteTask first`);
    const back = await company.tasks.undeleteTask({ name });
    expect(back.deleteTime).toBeUndefined();
    expect(await company.tasks.undeleteTask({ name })).toEqual(back);
    expect((await company.tasks.listTasks({ parent })).tasks).toEqual([back]);
  });

  it('refuses an archived project', async () => {
    const { name, parent } = await addTask();
    const { name: gone } = await company.tasks.createTask({ parent, task: { title: 'Gone' } });
    await company.tasks.deleteTask({ name: gone });
    await company.projects.updateProject({ project: { name: parent, state: ProjectState.PROJECT_STATE_ARCHIVED } });
    const refused = [company.tasks.deleteTask({ name }), company.tasks.undeleteTask({ name: gone })];
    for (const failure of await Promise.all(refused.map(failureOf))) {
      expect(failure.code).toBe(Status.FAILED_PRECONDITION);
      expect(failure.message).toContain(`${parent} is ARCHIVED`);
    }
  });

  it('refuses if other tasks depend on the task, and UndeleteTask refuses if its dependencies are deleted', async () => {
    const { name, parent } = await addTask('first');
    const second = await company.tasks.createTask({
      parent,
      taskId: 'second',
      task: { title: 'Second', dependencies: [name] },
    });
    const needed = await failureOf(company.tasks.deleteTask({ name }));
    expect(needed.code).toBe(Status.FAILED_PRECONDITION);
    expect(needed.message).toContain(`${name} can't be deleted, as other tasks depend on it: second;`);
    expect(needed.detail(PreconditionFailure)?.violations).toMatchObject([{ type: 'DEPENDENCY', subject: name }]);
    await company.tasks.deleteTask({ name: second.name });
    await company.tasks.deleteTask({ name });
    const early = await failureOf(company.tasks.undeleteTask({ name: second.name }));
    expect(early.code).toBe(Status.FAILED_PRECONDITION);
    expect(early.message).toContain('as it depends on deleted tasks: first;');
    await company.tasks.undeleteTask({ name });
    expect(await company.tasks.undeleteTask({ name: second.name })).toMatchObject({ dependencies: [name] });
  });

  it('and a concurrent dependency on the task never both succeed', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { name, parent } = await addTask('first');
      const outcomes = await Promise.allSettled([
        company.tasks.deleteTask({ name }),
        company.tasksElsewhere.createTask({ parent, task: { title: 'Second', dependencies: [name] } }),
      ]);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    }
  });
});
