/** The one system of a test file's journeys: it imports them in the order in which they may change the system. */
import { afterAll, beforeAll, expect } from '@jest/globals';
import { isAlive, type System, startSystem } from '@rondo/harness';

export let system: System;

beforeAll(async () => {
  system = await startSystem();
});

afterAll(async () => {
  const names = ['registry', 'calculator-1', 'project-management-1', 'sales-1'];
  const pids = names.map((name) => system.pid(name));
  const { code } = await system.stop();
  expect(code).toBe(0);
  expect(pids.filter(isAlive)).toEqual([]);
  expect(names.filter((name) => !system.log(name).includes('"msg":"drained"'))).toEqual([]);
  system.remove();
});
