import { SAFE, type Scenario, startThree } from '../scenario.js';
import { triesOf } from '../testbed/load.js';
import { now, pass } from '../time.js';
import { isFailed } from '../verdict.js';

/** How long a client may take to notice a killed process. Its connections break at once; the client needs the processor. */
const BREAK_MS = 100;

/** A replica is killed. */
export const kill: Scenario = {
  name: 'kill',
  fault: 'kill -9 of one replica',
  bound: '0 failed; no pick of it after its connection breaks; gone from the registry ≤ TTL + 1 s',
  control: 'the client ignores the state of its connections, and retries nothing on another instance',
  without: 'elsewhere',
  short: true,
  async run(context) {
    const { testbed, verdict } = context;
    const { registry, third, load } = await startThree(context);
    const killedAt = now();
    await third.stop('SIGKILL');
    const goneAt = await registry.untilListed(['replica-1', 'replica-2'], testbed.ttlMs + 10_000);
    const calls = await load.stop();
    verdict.noFailures(calls);
    const picks = triesOf(calls).filter(({ instance, at }) => instance === third.id && at >= killedAt);
    verdict.within('last pick after', Math.max(0, ...picks.map(({ at }) => at - killedAt)), BREAK_MS + testbed.stallMs);
    verdict.within('gone after', goneAt - killedAt, testbed.ttlMs + 1_000);
  },
};

/** A keepalive ping each second, half a second for its answer, and a tenth for the timers of two processes. */
const KEEPALIVE_BOUND_MS = 1_500 + 100;

/** A replica is frozen, and its connections don't break. */
export const freeze: Scenario = {
  name: 'freeze',
  fault: 'SIGSTOP of one replica',
  bound: '3 s deadlines: 0 failed; 300 ms deadlines: none fails that begins 1.5 s (+ 0.1 s) after',
  control: 'no keepalive',
  without: 'keepalive',
  async run(context) {
    const { testbed, verdict, without } = context;
    const { third, load: other } = await startThree(context);
    await other.stop();
    const guard = without && { without };
    const patient = testbed.startLoad({ ...SAFE, timeoutMs: 3_000, ...guard });
    const hasty = testbed.startLoad({ ...SAFE, timeoutMs: 300, ...guard });
    await Promise.all([patient, hasty].map((load) => load.untilServed([third.id])));
    const frozenAt = now();
    third.signal('SIGSTOP');
    await pass(context.lasts(12_000, 6_000));
    third.signal('SIGCONT');
    await pass(2_000);
    verdict.noFailures(await patient.stop(), 'of 3 s');
    const failed = (await hasty.stop()).filter(isFailed);
    verdict.note(`${failed.length} of 300 ms failed`);
    verdict.within('the last began after', Math.max(0, ...failed.map(({ at }) => at - frozenAt)), KEEPALIVE_BOUND_MS);
  },
};
