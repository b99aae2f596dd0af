import { describe, expect, it } from '@jest/globals';
import { runProgram } from './program.js';

const { signal } = new AbortController();
const cwd = '/';
const run = (script: string, options: Partial<Parameters<typeof runProgram>[2]> = {}) =>
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

  it('may print much: the limit is the one that its caller names', async () => {
    const script = 'process.stdout.write("é".repeat(1_200_000)); process.stdout.write("end");';
    expect((await run(script)).output).toBe('é'.repeat(1_000_000));
    const { output } = await run(script, { maxOutputCharacters: 1_200_002 });
    expect([output.length, output.slice(-3)]).toEqual([1_200_002, 'éen']);
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
