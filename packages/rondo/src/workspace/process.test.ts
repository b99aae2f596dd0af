import { describe, expect, it } from '@jest/globals';
import { run as runProgram } from './process.js';

const { signal } = new AbortController();
const cwd = '/';
const run = (script: string, options: Parameters<typeof runProgram>[2] = {}) =>
  runProgram(process.execPath, ['-e', script], { cwd, signal, ...options });

/** A program with a child in the same process group that prints its id and never ends by itself. */
const PARENT = `const { spawn } = require('node:child_process');
const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'inherit' });
process.stdout.write(String(child.pid));
setInterval(() => undefined, 1000);`;

describe('a program', () => {
  it('returns its exit code and its output', async () => {
    expect(await run('process.stdout.write("out"); process.exitCode = 3;')).toEqual({ code: 3, output: 'out' });
    expect(await run('process.kill(process.pid, "SIGTERM"); setInterval(() => undefined, 1000)')).toEqual({
      code: 1,
      output: 'node was ended by SIGTERM\n',
    });
  });

  // The call ends only when no process holds the output any more, including the child.
  it('ends with its children at its timeout', async () => {
    await expect(run(PARENT, { timeoutMs: 300 })).rejects.toThrow(/took longer than 300 ms$/);
  });

  it('ends with its children when its caller aborts', async () => {
    const caller = new AbortController();
    const running = run(PARENT, { signal: caller.signal });
    caller.abort(new Error('left'));
    await expect(running).rejects.toThrow('left');
    await expect(run('', { signal: caller.signal })).rejects.toThrow('left');
  });

  it('may not exist', async () => {
    const { code, output } = await runProgram('/no/such/program', [], { cwd, signal });
    expect(code).toBe(127);
    expect(output).toMatch(/^\/no\/such\/program: spawn .*ENOENT\n$/);
  });
});
