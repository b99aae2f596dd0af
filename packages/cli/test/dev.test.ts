import { expect, it } from '@jest/globals';
import { rondo } from './recording-context.js';

it('rondo dev says that it needs a clone if there is none', async () => {
  expect(await rondo(['dev'], { repository: '/nowhere' })).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: 'rondo: rondo dev needs a clone of the repository that is built (npm run build): run ./rondo dev there\n',
  });
});

it('rondo dev knows a port by its number', async () => {
  const { exitCode, stderr } = await rondo(['dev', '--port-base', 'x']);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('--port-base x: must be a whole number');
});
