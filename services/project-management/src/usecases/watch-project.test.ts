import { describe, expect, it } from '@jest/globals';
import { createChangeFeed } from '../adapters/change-feed.js';
import type { ProjectEvent } from '../domain/change.js';
import { NotFound, StoreUnavailable } from '../domain/errors.js';
import type { ProjectStore } from '../domain/ports.js';
import type { Project } from '../domain/project.js';
import type { Task } from '../domain/task.js';
import { announce } from './announce.js';
import { watchProject } from './watch-project.js';

const time = new Date(0);

function project(version: bigint): Project {
  const dates = { startDate: undefined, dueDate: undefined, createTime: time, updateTime: time };
  return { id: 'p', title: `v${version}`, state: 'ACTIVE', ownerId: undefined, ...dates, version };
}

function task(id: string, version: bigint): Task {
  const fields = { title: id, state: 'OPEN' as const, assigneeId: undefined, effortMinutes: 0n };
  return { ...fields, id, projectId: 'p', createTime: time, updateTime: time, version };
}

function inShort(event: ProjectEvent): string {
  if (event.kind === 'snapshot') return `snapshot ${event.project.version}`;
  return event.kind === 'project' ? `project ${event.project.version}` : `task ${event.task.id} ${event.task.version}`;
}

/** A watch whose snapshot is what `read` gives, after whatever it does meanwhile. */
function watch(read: ProjectStore['snapshot'], signal = new AbortController().signal) {
  const changes = createChangeFeed();
  const refuse = () => Promise.reject(new Error('a watch only reads the snapshot'));
  const projects = { create: refuse, find: refuse, list: refuse, update: refuse, efforts: refuse, snapshot: read };
  const events = watchProject({ projects, changes }, 'p', signal);
  return { changes, events, next: async () => inShort((await events.next()).value ?? fail()) };
}

function fail(): never {
  throw new Error('the watch ended');
}

describe('watching a project', () => {
  it('misses nothing that happens while the snapshot is read, and tells nothing twice', async () => {
    const { changes, next } = watch(async () => {
      changes.publish({ kind: 'project', project: project(2n) });
      changes.publish({ kind: 'task', task: task('a', 1n) });
      changes.publish({ kind: 'project', project: project(3n) });
      changes.publish({ kind: 'task', task: task('b', 1n) });
      return { project: project(2n), tasks: [task('a', 1n)] };
    });
    expect(await next()).toBe('snapshot 2');
    expect(await next()).toBe('project 3');
    expect(await next()).toBe('task b 1');
  });

  it('never tells an older state after a newer one', async () => {
    const { changes, next } = watch(async () => ({ project: project(1n), tasks: [] }));
    await next();
    for (const version of [3n, 2n, 3n, 4n]) changes.publish({ kind: 'project', project: project(version) });
    expect(await next()).toBe('project 3');
    expect(await next()).toBe('project 4');
  });

  it('lets go of its subscription when its reader stops, and when there is nothing to watch', async () => {
    const watched = watch(async () => ({ project: project(1n), tasks: [] }));
    await watched.next();
    expect(watched.changes.subscriptions).toBe(1);
    await watched.events.return();
    expect(watched.changes.subscriptions).toBe(0);
    const unknown = watch(async () => undefined);
    await expect(unknown.next()).rejects.toThrow(NotFound);
    expect(unknown.changes.subscriptions).toBe(0);
  });

  it('lets go of its subscription when its caller leaves while nothing happens', async () => {
    const caller = new AbortController();
    const { changes, next } = watch(async () => ({ project: project(1n), tasks: [] }), caller.signal);
    await next();
    const pending = next();
    caller.abort(new Error('left'));
    await expect(pending).rejects.toThrow('left');
    expect(changes.subscriptions).toBe(0);
  });

  it('ends where a write may have happened that nobody can tell', async () => {
    const { changes, next } = watch(async () => ({ project: project(1n), tasks: [] }));
    await next();
    const pending = next();
    const lost = new StoreUnavailable(new Error('Connection terminated'));
    await expect(announce(changes, 'p', () => Promise.reject(lost))).rejects.toBe(lost);
    await expect(pending).rejects.toBe(lost);
  });
});
