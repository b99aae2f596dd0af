/** Changes of a workflow's function, of which the first ones harm runs of the function before that wait for their approval. */
import { Approval } from '@rondo/contracts/rondo/conformance/v1/workflows';
import { days, type Run, RunFailed } from '../src/exports/index.js';
import { account, desk, payroll, put } from './runs-fixture.js';

type Body = (run: Run, person: string) => Promise<string>;

/** A step of the function that a change may replace. */
const STEPS = {
  account: (run: Run, person: string) => run.call('account', account.write, { entry: `${person} account` }),
  both: (run: Run, person: string): Promise<unknown> =>
    Promise.all([
      run.call('desk', desk.write, { entry: `${person} desk` }),
      run.call('salary', payroll.write, { entry: `${person} salary` }),
    ]),
  async notes(run: Run, person: string) {
    for (const day of [1, 2]) await run.transaction(`note-${day}`, (tx) => put(tx, `${person} note ${day}`));
  },
  level: (run: Run, _person: string) => run.step('level', () => ({ level: 3 })),
  badge: async (run: Run, level: { readonly level: number }): Promise<unknown> =>
    level.level > 2 ? await run.step('badge', () => 'badge') : undefined,
  trial: (run: Run): Promise<unknown> => run.sleep('trial', 1),
  approval: (run: Run) => run.wait('approval', Approval, { for: days(3) }),
  welcome: (run: Run, person: string) => run.transaction('welcome', (tx) => put(tx, `${person} welcome`)),
  text: 'hired',
};

/** The function with some of its steps replaced. */
const changed = (change: Partial<typeof STEPS> = {}): Body => {
  const steps = { ...STEPS, ...change };
  return async (run, person) => {
    await steps.account(run, person);
    await steps.both(run, person);
    await steps.notes(run, person);
    const level = await steps.level(run, person);
    await steps.badge(run, level);
    await steps.trial(run);
    if ((await steps.approval(run)) === undefined) throw new RunFailed('no answer');
    await steps.welcome(run, person);
    return steps.text;
  };
};

/** The function whose runs have begun. */
export const before = changed();

const mail = (run: Run) => run.step('mail', () => 'sent');
const note = (run: Run, day: number | string) => run.transaction(`note-${day}`, (tx) => put(tx, 'another note'));
const notes =
  (...days: readonly (number | string)[]) =>
  async (run: Run) => {
    for (const day of days) await note(run, day);
  };
/** The step after another one. */
const after =
  <T>(first: (run: Run) => Promise<unknown>, step: (run: Run, person: string) => Promise<T>) =>
  async (run: Run, person: string) => {
    await first(run);
    return await step(run, person);
  };

/** They harm: the function doesn't fit what the runs have recorded. With a part of the reason. */
export const HARMFUL: readonly (readonly [string, Body, RegExp])[] = [
  ['a step is renamed', changed({ account: (run) => run.call('konto', account.write, {}) }), /asks for konto/],
  ['a step is removed', changed({ both: (run) => run.call('desk', desk.write, {}) }), /not asked for salary/],
  ['a step is added before the first', changed({ account: after(mail, STEPS.account) }), /asks for mail/],
  ['a step is added in the middle', changed({ level: after(mail, STEPS.level) }), /asks for mail/],
  [
    'a step becomes a transaction',
    changed({ level: (run) => run.transaction('level', async () => ({ level: 3 })) }),
    /level is a transaction of the function, and was recorded as a step/,
  ],
  ['a sleep becomes a wait', changed({ trial: (run) => run.wait('trial', Approval) }), /trial is a wait/],
  ['a loop is shorter', changed({ notes: notes(1) }), /not asked for note-2/],
  ['a loop is longer', changed({ notes: notes(1, 2, 3) }), /asks for note-3/],
  ['a loop names its steps otherwise', changed({ notes: notes('a', 'b') }), /asks for note-a/],
  ['a condition is another', changed({ badge: async (run, { level }) => level > 5 && (await mail(run)) }), /badge/],
  [
    'it ends early',
    after(
      (run) => STEPS.account(run, ''),
      async () => 'done',
    ),
    /the function ends/,
  ],
  [
    'it fails early',
    changed({
      badge: () => {
        throw new RunFailed('no badge');
      },
    }),
    /the function ends/,
  ],
  [
    'it reads a result that has another shape',
    changed({ badge: async (run, level) => await run.step(Object(level).rank.name, () => 1) }),
    /throws TypeError/,
  ],
  ['two steps have one name', changed({ level: after(notes(1), STEPS.level) }), /two steps have the name note-1/],
  ['a wait is renamed', changed({ approval: (run) => run.wait('decision', Approval) }), /asks for decision/],
];

/** They do no harm. */
export const HARMLESS: readonly (readonly [string, Body])[] = [
  ['nothing', changed()],
  ['a step is added at the end', changed({ welcome: after(notes(9), STEPS.welcome) })],
  [
    'a step that has not begun is renamed',
    changed({ welcome: (run) => run.transaction('greet', (tx) => put(tx, 'hi')) }),
  ],
  ['a step that has not begun is removed', changed({ welcome: async () => [] })],
  [
    'what ran at once runs one after the other',
    changed({
      both: after(
        (run) => run.call('desk', desk.write, {}),
        (run) => run.call('salary', payroll.write, {}),
      ),
    }),
  ],
  [
    'what ran one after the other runs at once',
    changed({ notes: async (run) => void (await Promise.all([note(run, 1), note(run, 2)])) }),
  ],
  ['steps that are recorded change places', changed({ notes: notes(2, 1) })],
  [
    'the request of a call is another',
    changed({ account: (run) => run.call('account', account.write, { entry: 'y' }) }),
  ],
  ['a transaction writes something else', changed({ notes: notes(1, 2) })],
  ['a step does something else', changed({ level: (run) => run.step('level', () => ({ level: 4 })) })],
  ['a wait is shorter', changed({ approval: (run) => run.wait('approval', Approval, { for: days(1) }) })],
  ['a sleep is longer', changed({ trial: (run) => run.sleep('trial', days(1)) })],
  [
    'a step gets an undo',
    changed({ account: (run) => run.call('account', account.write, {}, { undo: () => mail(run) }) }),
  ],
  [
    'a step is added next to the wait',
    changed({
      async approval(run) {
        const [approval] = await Promise.all([STEPS.approval(run), mail(run)]);
        return approval;
      },
    }),
  ],
  ['the result is another', changed({ text: 'welcome' })],
];
