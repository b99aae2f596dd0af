import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';

// The built output, which a process runs.
const MAIN = fileURLToPath(new URL('./fixture/main.mjs', import.meta.url));

/** A child process whose output the test reads. */
type Child = ChildProcess & { readonly stdout: Readable; readonly stderr: Readable };

const children: Child[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A process and its output so far. */
interface Run {
  readonly child: Child;
  readonly output: { out: string; err: string };
  readonly exited: Promise<number | null>;
}

function run(environment: Readonly<Record<string, string>> = {}, args: readonly string[] = []): Run {
  const { PATH = '' } = process.env;
  const env = { PATH, RONDO_LISTEN: '127.0.0.1:0', ...environment };
  // Node's types have no child with both streams and an IPC channel.
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] }) as Child;
  children.push(child);
  const output = { out: '', err: '' };
  child.stdout.on('data', (bytes: Buffer) => {
    output.out += bytes;
  });
  child.stderr.on('data', (bytes: Buffer) => {
    output.err += bytes;
  });
  // Not 'close': after a disconnect it never comes.
  const ended = Promise.all([once(child, 'exit'), once(child.stdout, 'end'), once(child.stderr, 'end')]);
  return { child, output, exited: ended.then(() => child.exitCode) };
}

/** Waits until the process has printed `text`. */
async function printed({ child, output, exited }: Run, text: string): Promise<void> {
  while (!output.out.includes(text)) {
    if (child.exitCode !== null) throw new Error(`it ended before it printed "${text}": ${output.out}${output.err}`);
    await Promise.race([once(child.stdout, 'data'), exited]);
  }
}

async function listening(environment?: Readonly<Record<string, string>>): Promise<Run> {
  const process_ = run(environment);
  await printed(process_, 'listening');
  return process_;
}

describe('a process', () => {
  it.each([[['SIGTERM']], [['SIGINT', 'SIGTERM']]] as const)(
    'drains on %j, of which a second signal at once is none, and exits with 0',
    async (signals) => {
      const service = await listening();
      for (const signal of signals) service.child.kill(signal);
      expect(await service.exited).toBe(0);
      expect(service.output.out).toMatch(/"msg":"draining".*"msg":"stopped".*"msg":"drained"/s);
      expect(service.output.err).toBe('');
    },
  );

  it('ends at once on a second signal', async () => {
    const service = await listening({ FIXTURE_HANGS: 'yes' });
    service.child.kill('SIGTERM');
    await printed(service, 'draining');
    const again = setInterval(() => service.child.kill('SIGINT'), 100);
    const code = await service.exited;
    clearInterval(again);
    expect(code).toBe(130);
  });

  it('drains when its launcher is gone', async () => {
    const service = await listening();
    service.child.disconnect();
    expect(await service.exited).toBe(0);
    expect(service.output.out).toContain('"msg":"drained"');
  });

  it('ends when its launcher is gone before it is ready', async () => {
    const service = run({ FIXTURE_WAITS: 'yes' }, ['--handover']);
    await printed(service, 'waiting');
    service.child.disconnect();
    expect([await service.exited, service.output.err]).toEqual([1, '']);
  });

  it('only prepares what it depends on if it is to migrate', async () => {
    const { exited, output } = run({ FIXTURE_MIGRATES: 'yes' }, ['--migrate']);
    expect([await exited, output.err]).toEqual([0, '']);
    // What a part has begun, such as jobs, goes to other replicas.
    expect(output.out).toMatch(/"msg":"migrated".*"msg":"stopped"/s);
    expect(output.out).not.toContain('listening');
  });

  it.each([[[]], [['--migrate']]])(
    'stops the parts before one that can never start, and exits with 1: %j',
    async (args) => {
      const { exited, output } = run({ FIXTURE_HOPELESS: 'yes' }, args);
      expect([await exited, output.err]).toEqual([1, "fixture can't start: the audit: no such table\n"]);
      expect(output.out).toMatch(/"msg":"jobs stopped".*"msg":"database stopped".*"msg":"stopped"/s);
    },
  );

  it('exits with 1 after a failed start, even if a part never stops', async () => {
    const { exited, output } = run({ FIXTURE_HOPELESS: 'yes', FIXTURE_HANGS: 'yes' }, ['--migrate']);
    expect([await exited, output.err]).toEqual([1, "fixture can't start: the audit: no such table\n"]);
  });

  it('logs an unhandled rejection, and exits with 1', async () => {
    const service = await listening();
    service.child.kill('SIGUSR2');
    expect(await service.exited).toBe(1);
    expect(service.output.out).toContain('an unhandled rejection');
  });

  it('hides a secret in the text of an error that ends it, while it starts and later', async () => {
    const FIXTURE_TOKEN = 'a-"marked"-token';
    const crashed = await listening({ FIXTURE_TOKEN });
    crashed.child.kill('SIGUSR1');
    expect(await crashed.exited).toBe(1);
    expect(crashed.output.out).toContain('sent (hidden)');
    expect(crashed.output.out).toContain('"request":{"token":"(hidden)"}');
    const refused = run({ FIXTURE_TOKEN, FIXTURE_REFUSES: 'yes' });
    expect(await refused.exited).toBe(1);
    expect(refused.output.err).toContain('the token (hidden) is refused');
    for (const { out, err } of [crashed.output, refused.output]) expect(out + err).not.toContain('marked');
  });

  it('lists the faults of its configuration on standard error, and exits with 78', async () => {
    const service = run({ RONDO_LISTEN: 'nowhere', RONDO_LOG_LEVEL: 'loud' });
    expect(await service.exited).toBe(78);
    const lines = service.output.err.trimEnd().split('\n');
    expect(lines[0]).toBe("fixture can't start, its configuration is wrong:");
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(/^ {2}RONDO_LISTEN=nowhere is not host:port: give /),
      expect.stringMatching(/^ {2}RONDO_LOG_LEVEL=loud is unknown: give /),
    ]);
    expect(service.output.out).toBe('');
  });

  it('reports a missing address in one line, and exits with 1', async () => {
    const service = run({ RONDO_LISTEN: '192.0.2.1:50099', RONDO_INSECURE: '1' });
    expect(await service.exited).toBe(1);
    const why = "this machine doesn't have that address; set RONDO_LISTEN to another address";
    expect(service.output.err).toBe(`fixture can't start: can't listen on 192.0.2.1:50099: ${why}\n`);
  });

  it('refuses to listen beyond the loopback without TLS, with exit code 78 and the ways out', async () => {
    const service = run({ RONDO_LISTEN: '0.0.0.0:0' });
    expect(await service.exited).toBe(78);
    expect(service.output.err).toMatch(
      /RONDO_LISTEN=0\.0\.0\.0:0 is beyond the loopback.*RONDO_TLS=on.*RONDO_INSECURE=1/,
    );
  });
});
