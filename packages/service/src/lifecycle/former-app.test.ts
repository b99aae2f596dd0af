import { expect, it } from '@jest/globals';
import { startParts, stopParts } from '@rondo/rpc/testing';
import { wire } from './listen.js';
import type { App } from './service.js';

it('an app of 0.2 has its dependencies, listeners, observers, outcomes and end as parts', async () => {
  const steps: string[] = [];
  const listener = { listen: async () => ({ address: '' }), drain: async () => undefined };
  const observer = (): never => {
    throw new Error('not called');
  };
  const outcomes = { find: async () => undefined, add: observer };
  const former: App = {
    services: [],
    outcomes,
    listeners: [listener],
    observers: [observer],
    dependencies: [
      {
        name: 'the database',
        graceMs: 10_000,
        prepare: async (signal) => void steps.push(`prepared, ${signal.aborted}`),
        check: async (signal) => void steps.push(`checked, ${signal.aborted}`),
      },
    ],
    stop: () => void steps.push('stopped'),
  };
  const app = wire({ ...former, parts: [{ name: 'the jobs', stop: () => void steps.push('jobs stopped') }] });
  expect(app).toMatchObject({ outcomes, listeners: [listener], observers: [observer] });
  expect(app.parts[1]).toMatchObject({ name: 'the database', graceMs: 10_000 });
  await startParts(app);
  await stopParts(app);
  expect(steps).toEqual(['prepared, false', 'checked, false', 'jobs stopped', 'stopped']);
});
