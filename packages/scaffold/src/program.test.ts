import { describe, expect, it } from '@jest/globals';
import { runProgram } from './program.js';

const { signal } = new AbortController();
const cwd = '/';
const run = (script: string, options: Partial<Parameters<typeof runProgram>[2]> = {}) =>
  runProgram(process.execPath, ['-e', script], { cwd, signal, ...options });

/** A program whose child, of the same process group, says its id and would stay for ever. */
const PARENT = `const { spawn } = require('node:child_process');
const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'inherit' });
process.stdout.write(String(child.pid));
setInterval(() => undefined, 1000);`;

describe('a program', () => {
  it('says how it ended, and what it said', async () => {
    expect(await run('process.stdout.write("out"); process.exitCode = 3;')).toEqual({ code: 3, output: 'out' });
    expect(await run('process.kill(process.pid, "SIGTERM"); setInterval(() => undefined, 1000)')).toEqual({
      code: 1,
      output: `${process.execPath} was ended by SIGTERM\n`,
    });
  });

  // Its end is awaited until nobody holds its output, the child included.
  it('ends with its children when its time is up', async () => {
    await expect(run(PARENT, { timeoutMs: 300 })).rejects.toThrow(/took longer than 300 ms$/);
  });

  it('ends with its children when nobody waits for it', async () => {
    const caller = new AbortController();
    const running = run(PARENT, { signal: caller.signal });
    caller.abort(new Error('left'));
    await expect(running).rejects.toThrow('left');
    await expect(run('', { signal: caller.signal })).rejects.toThrow('left');
  });

  it('may not be there', async () => {
    const { code, output } = await runProgram('/no/such/program', [], { cwd, signal });
    expect(code).toBe(127);
    expect(output).toMatch(/^\/no\/such\/program: spawn .*ENOENT\n$/);
  });
});
