import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { WatchProjectResponse } from '@rondo/contracts/projects/v1/projects';
import { TaskState } from '@rondo/contracts/projects/v1/tasks';
import { Status } from '@rondo/rpc/status';
import { addProject, type Company, failureOf, startCompany } from './company.js';

let company: Company;
beforeAll(async () => {
  company = await startCompany();
});
afterAll(() => company.stop());

/** Follows a project; `next` is its next event, in short. */
function watch(name: string) {
  const stop = new AbortController();
  const events = company.projects.watchProject({ name }, { signal: stop.signal })[Symbol.asyncIterator]();
  return {
    async next(): Promise<string> {
      const step = await events.next();
      return step.done === true ? 'the end' : inShort(step.value);
    },
    leave: () => stop.abort(),
  };
}

function inShort({ event }: WatchProjectResponse): string {
  switch (event?.$case) {
    case 'snapshot':
      return `snapshot of ${event.value.project?.title} with ${event.value.tasks.map(({ title }) => title).join(', ')}`;
    case 'projectChanged':
      return `project ${event.value.title} ${event.value.etag}`;
    case 'taskChanged':
      return `task ${event.value.title} ${event.value.etag}`;
    default:
      return 'nothing';
  }
}

describe('WatchProject', () => {
  it('tells the snapshot, then each change in order', async () => {
    const { name } = await company.projects.createProject({ project: { title: 'P' }, tasks: [{ title: 'A' }] });
    const watcher = watch(name);
    expect(await watcher.next()).toBe('snapshot of P with A');
    const { name: task } = await company.tasks.createTask({ parent: name, task: { title: 'B' } });
    await company.projects.updateProject({ project: { name, title: 'Q' } });
    await company.tasks.updateTask({ task: { name: task, state: TaskState.TASK_STATE_IN_PROGRESS } });
    await company.tasks.updateTask({ task: { name: task, title: 'C' } });
    expect(await watcher.next()).toBe('task B "1"');
    expect(await watcher.next()).toBe('project Q "2"');
    expect(await watcher.next()).toBe('task B "2"');
    expect(await watcher.next()).toBe('task C "3"');
    watcher.leave();
  });

  it('tells a waiting watcher at once', async () => {
    const { name } = await addProject(company, 'Live');
    const watcher = watch(name);
    await watcher.next();
    const pending = watcher.next();
    await company.projects.updateProject({ project: { name, title: 'Lively' } });
    expect(await pending).toBe('project Lively "2"');
    watcher.leave();
  });

  it('loses nothing and tells nothing twice while changes go on as it begins', async () => {
    const { name } = await addProject(company, '0');
    const writing = (async () => {
      for (let title = 1; title <= 40; title += 1) {
        await company.projects.updateProject({ project: { name, title: String(title) } });
      }
    })();
    const watchers = Array.from({ length: 5 }, () => watch(name));
    const heard = await Promise.all(watchers.map((watcher) => titlesUntil(watcher.next, '40')));
    await writing;
    for (const titles of heard) {
      const [first = 0] = titles;
      expect(titles).toEqual(Array.from({ length: 41 - first }, (_, index) => first + index));
    }
    for (const { leave } of watchers) leave();
  });

  it('does not tell a repeat that changed nothing, nor what happens elsewhere', async () => {
    const { name } = await addProject(company, 'Calm');
    const { name: other } = await addProject(company, 'Other');
    const watcher = watch(name);
    await watcher.next();
    await company.projects.updateProject({ project: { name, title: 'Calm' } });
    await company.projects.updateProject({ project: { name: other, title: 'Loud' } });
    await company.projects.updateProject({ project: { name, title: 'Calmer' } });
    expect(await watcher.next()).toBe('project Calmer "2"');
    watcher.leave();
  });

  it('ends when its caller leaves, also while nothing happens', async () => {
    const { name } = await addProject(company);
    const watcher = watch(name);
    await watcher.next();
    const pending = watcher.next();
    watcher.leave();
    expect((await failureOf(pending)).code).toBe(Status.CANCELLED);
  });

  it('ends when its reader stops reading', async () => {
    const { name } = await addProject(company);
    for await (const { event } of company.projects.watchProject({ name })) {
      expect(event?.$case).toBe('snapshot');
      break;
    }
  });

  it('knows no unknown project, and refuses a malformed name', async () => {
    const unknown = await failureOf(watch('projects/none').next());
    expect(unknown.code).toBe(Status.NOT_FOUND);
    expect(unknown.message).toContain("projects/none doesn't exist");
    expect((await failureOf(watch('none').next())).code).toBe(Status.INVALID_ARGUMENT);
  });
});

/** The titles that a watcher hears of, up to the last one. */
async function titlesUntil(next: () => Promise<string>, last: string): Promise<number[]> {
  const titles: string[] = [];
  while (titles.at(-1) !== last) titles.push(/\d+/.exec(await next())?.[0] ?? 'none');
  return titles.map(Number);
}
