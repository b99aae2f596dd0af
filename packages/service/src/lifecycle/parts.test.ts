import { afterEach, describe, expect, it } from '@jest/globals';
import type { Part } from '@rondo/rpc/server';
import { ManualClock } from '@rondo/rpc/testing';
import { deferred } from '../../../rpc/test/support/wait.js';
import { recordingLogger } from '../../test/recording-logger.js';
import { runParts } from './parts.js';

const NAME = 'the database at db:5432';

interface Options {
  readonly there: boolean;
  readonly hangs?: boolean;
  readonly graceMs?: number;
  readonly prepare?: () => Promise<void>;
}

/** Runs one part that is available or not, as the test sets it. */
function start({ there, hangs = false, graceMs, prepare = async () => undefined }: Options) {
  const none = new AbortController().signal;
  const dependency = { there, hangs, checks: 0, signal: none, preparing: none };
  const part: Part = {
    name: NAME,
    ...(graceMs !== undefined && { graceMs }),
    start({ signal }) {
      dependency.preparing = signal;
      return prepare();
    },
    check({ signal }) {
      dependency.checks += 1;
      dependency.signal = signal;
      if (dependency.hangs) return new Promise(() => undefined);
      return dependency.there ? Promise.resolve() : Promise.reject(new Error('connection refused'));
    },
  };
  return { ...run([part]), dependency };
}

/** Runs parts, and records what they report. */
function run(parts: readonly Part[]) {
  const clock = new ManualClock();
  const { log, lines } = recordingLogger();
  const changes: (readonly string[])[] = [];
  const hopeless: string[] = [];
  const running = runParts({
    parts: [...parts],
    onChange: (away) => changes.push(away),
    clock,
    random: { next: () => 1, hex: () => '' },
    log,
  });
  running.started.catch(({ message }: Error) => hopeless.push(message));
  stop = running.stopChecks;
  return { clock, lines, changes, hopeless };
}

let stop: () => Promise<void>;
afterEach(() => stop());

describe('a part', () => {
  it('checks at once: an available part is ready without a wait', async () => {
    const { clock, changes, lines } = start({ there: true });
    await clock.advance(0);
    expect(changes).toEqual([[NAME], []]);
    expect(lines).toEqual([`info: ${NAME} is there`]);
  });

  it.each([
    ['that says so', { neverPasses: true }, ''],
    ['of a wrong password', { severity: 'FATAL', code: '28P01' }, '; correct the user or the password in DATABASE_URL'],
    ['of no such database', { severity: 'FATAL', code: '3D000' }, '; create it, or name another one in DATABASE_URL'],
  ])('tries no more after a fault at the start that never passes: one %s', async (_what, fault, remedy) => {
    const prepare = () => Promise.reject(Object.assign(new Error('orders lacks a column'), fault));
    const { clock, hopeless, lines } = start({ there: true, prepare });
    await clock.advance(60_000);
    expect(hopeless).toEqual([`${NAME}: orders lacks a column${remedy}`]);
    expect(lines).toEqual([]);
  });

  it('tries again with growing delays, logs that once, and reminds every half minute', async () => {
    const { clock, lines, dependency } = start({ there: false });
    await clock.advance(100 + 200 + 400);
    expect(dependency.checks).toBe(4);
    await clock.advance(61_000);
    expect(dependency.checks).toBeLessThan(22);
    const line = `warn: waiting for ${NAME}: connection refused; trying again`;
    expect(lines).toEqual([line, line, line]);
  });

  it('reports an available part within the longest delay', async () => {
    const { clock, changes, lines, dependency } = start({ there: false });
    await clock.advance(60_000);
    dependency.there = true;
    await clock.advance(5_000);
    expect(changes.at(-1)).toEqual([]);
    expect(lines.at(-1)).toBe(`info: ${NAME} is there`);
  });

  it('keeps checking: reports the start and the end of an outage once each', async () => {
    const { clock, changes, lines, dependency } = start({ there: true });
    await clock.advance(12_000);
    dependency.there = false;
    await clock.advance(10_000);
    dependency.there = true;
    await clock.advance(10_000);
    expect(changes).toEqual([[NAME], [], [NAME], []]);
    expect(lines.slice(1)).toEqual([
      `warn: waiting for ${NAME}: connection refused; trying again`,
      `info: ${NAME} is back`,
    ]);
  });

  it('stays ready after one failed check', async () => {
    const { clock, changes, lines, dependency } = start({ there: true });
    await clock.advance(1);
    dependency.there = false;
    await clock.advance(5_000);
    dependency.there = true;
    await clock.advance(10_000);
    expect(dependency.checks).toBeGreaterThan(3);
    expect(changes).toEqual([[NAME], []]);
    expect(lines).toHaveLength(1);
  });

  it('stays ready while the part is unavailable for less than its grace', async () => {
    const { clock, changes, dependency } = start({ there: true, graceMs: 10_000 });
    await clock.advance(1);
    dependency.there = false;
    await clock.advance(9_900);
    expect(changes).toEqual([[NAME], []]);
    dependency.there = true;
    await clock.advance(10_000);
    dependency.there = false;
    await clock.advance(9_900);
    expect(changes).toEqual([[NAME], []]);
    await clock.advance(10_000);
    expect(changes).toEqual([[NAME], [], [NAME]]);
  });

  it('gives up a hanging check, and aborts its signal', async () => {
    const { clock, changes, dependency } = start({ there: true });
    await clock.advance(0);
    dependency.hangs = true;
    await clock.advance(5_000 + 3_000);
    expect(dependency.signal.aborted).toBe(true);
    await clock.advance(100 + 3_000);
    expect(changes.at(-1)).toEqual([NAME]);
    dependency.hangs = false;
    await clock.advance(4_000);
    expect(changes.at(-1)).toEqual([]);
  });

  it('waits for the preparation, however long it takes, and says each half minute that it goes on', async () => {
    const preparation = deferred();
    const { clock, lines, changes, dependency } = start({ there: true, prepare: () => preparation.promise });
    await clock.advance(3_600_000);
    expect(dependency.checks).toBe(0);
    expect(lines).toHaveLength(120);
    expect(lines.at(-1)).toBe(`info: ${NAME} is still being prepared`);
    preparation.resolve();
    await clock.advance(0);
    expect(changes).toEqual([[NAME], []]);
    await clock.advance(60_000);
    expect(lines.slice(120)).toEqual([`info: ${NAME} is there`]);
  });

  it('prepares again after a failure, and never after a success', async () => {
    let preparations = 0;
    const prepare = async () => {
      preparations += 1;
      if (preparations < 3) throw new Error('connection refused');
    };
    const { clock, lines, dependency } = start({ there: true, prepare });
    await clock.advance(100 + 200);
    expect(lines).toEqual([`warn: waiting for ${NAME}: connection refused; trying again`, `info: ${NAME} is there`]);
    dependency.there = false;
    await clock.advance(30_000);
    expect(preparations).toBe(3);
  });

  it('aborts the preparation when it stops', async () => {
    const { clock, lines, dependency } = start({ there: true, prepare: () => new Promise(() => undefined) });
    await clock.advance(0);
    await stop();
    expect(dependency.preparing.aborted).toBe(true);
    expect(lines).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  it('logs nothing about a check that it ended itself', async () => {
    const { clock, changes, lines } = start({ there: false, hangs: true });
    await clock.advance(0);
    await stop();
    expect(lines).toEqual([]);
    expect(changes).toEqual([[NAME]]);
  });

  it('stops even during a check, and leaves no timer', async () => {
    const { clock, dependency } = start({ there: true });
    await clock.advance(0);
    dependency.hangs = true;
    await clock.advance(5_000);
    await stop();
    expect(dependency.signal.aborted).toBe(true);
    expect(clock.timers).toBe(0);
  });
});

describe('the parts of a process', () => {
  /** Parts that record when they start and stop. */
  const recording = (own: Readonly<Record<string, Partial<Part>>>) => {
    const steps: string[] = [];
    const parts = Object.entries(own).map(
      ([name, part]): Part => ({
        name,
        stop: () => void steps.push(`stop ${name}`),
        ...part,
        async start(options) {
          steps.push(`start ${name} (${options.schema.map((one) => one.name)})`);
          await part.start?.(options);
        },
      }),
    );
    return { steps, ...run(parts) };
  };
  const schema = (name: string) => ({ schema: [{ name, migrations: [] }] });

  it('start one after the other, each once the one before is available, and know the tables of all', async () => {
    let answers = false;
    const check = () => (answers ? Promise.resolve() : Promise.reject(new Error('gone')));
    const { clock, steps, changes, lines } = recording({ database: { check, ...schema('b') }, jobs: schema('a') });
    await clock.advance(10_000);
    expect(steps).toEqual(['start database (b,a)']);
    answers = true;
    await clock.advance(5_000);
    expect(steps).toEqual(['start database (b,a)', 'start jobs (b,a)']);
    expect(changes).toEqual([['database', 'jobs'], ['jobs'], []]);
    expect(lines.at(-1)).toBe('info: database is there');
    await clock.advance(60_000);
    expect(steps).toHaveLength(2);
  });

  it('do not start after one that can never start', async () => {
    const fault = Object.assign(new Error('no such table'), { neverPasses: true });
    const audit = { start: () => Promise.reject(fault) };
    const { clock, steps, hopeless } = recording({ database: {}, jobs: {}, audit, topics: {} });
    await clock.advance(0);
    expect(steps).toEqual(['start database ()', 'start jobs ()', 'start audit ()']);
    expect(hopeless).toEqual(['audit: no such table']);
    expect(clock.timers).toBe(0);
  });
});
