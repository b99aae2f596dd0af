import type { CallRecord } from '../load/protocol.js';
import { REPLICAS, SAFE, type Scenario, startThree } from '../scenario.js';
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

/** Within this time of silence a replica is not picked any more, with a tenth for the timers of two processes. */
const SILENT_BOUND_MS = 500 + 100;
/** By then the connection of a silent replica has ended: 5 s of silence, and the time until its first check. */
const ENDED_BOUND_MS = 5_000 + 300;

/** A replica is frozen, and its connections don't break. */
export const freeze: Scenario = {
  name: 'freeze',
  fault: 'SIGSTOP of one replica',
  bound:
    '3 s deadlines: 0 failed; 300 ms deadlines: 0 failed with a hedge after 100 ms, without one none that begins 0.5 s (+ 0.1 s) after',
  control: 'no keepalive',
  without: 'keepalive',
  async run(context) {
    const { testbed, verdict, without } = context;
    const { third, load: other } = await startThree(context);
    await other.stop();
    const guard = without && { without };
    const patient = testbed.startLoad({ ...SAFE, timeoutMs: 3_000, ...guard });
    const hasty = testbed.startLoad({ ...SAFE, timeoutMs: 300, ...guard });
    const hedged = testbed.startLoad({ ...SAFE, timeoutMs: 300, hedgeMs: 100, ...guard });
    await Promise.all([patient, hasty, hedged].map((load) => load.untilServed([third.id])));
    const frozenAt = now();
    third.signal('SIGSTOP');
    await pass(context.lasts(12_000, 6_000));
    third.signal('SIGCONT');
    await pass(2_000);
    verdict.noFailures(await patient.stop(), 'of 3 s');
    verdict.noFailures(await hedged.stop(), 'hedged');
    const failed = (await hasty.stop()).filter(isFailed);
    verdict.note(`${failed.length} of 300 ms failed`);
    verdict.within('the last began after', Math.max(0, ...failed.map(({ at }) => at - frozenAt)), SILENT_BOUND_MS);
  },
};

/** How long a replica stands still, one time after the other. Milliseconds. */
const STANDSTILLS_MS = [900, 3_000];

/** A replica stands still for a while, as one whose event loop is busy does, and then for good. */
export const standstill: Scenario = {
  name: 'standstill',
  fault: 'one of three replicas stands still for 0.9 s and for 3 s, then for good',
  bound:
    'for a while: 0 failed, safe to repeat or not, and nothing carried out twice; for good: 0 safe ones fail, others end after 5 s (+ 0.3 s), and all that begin 0.5 s (+ 0.1 s) after are served',
  control: 'no keepalive',
  without: 'keepalive',
  async run({ testbed, verdict, without }) {
    await testbed.startRegistry();
    const replicas = await Promise.all(REPLICAS.map((id) => testbed.startReplica(id, { counting: true })));
    const options = { callsPerSecond: 200, timeoutMs: 10_000, ...(without && { without }) };
    const safe = testbed.startLoad({ ...options, method: 'add' });
    const unsafe = testbed.startLoad({ ...options, method: 'subtract' });
    await Promise.all([safe, unsafe].map((load) => load.untilServed(REPLICAS)));
    const [, , third] = replicas;
    for (const stillMs of STANDSTILLS_MS) {
      third?.signal('SIGSTOP');
      await pass(stillMs);
      third?.signal('SIGCONT');
      await pass(2_000);
    }
    const frozenAt = now();
    third?.signal('SIGSTOP');
    await pass(8_000);
    const made = await unsafe.stop();
    verdict.noFailures(await safe.stop(), 'safe');
    // A call that began just before the last standstill is still in flight then.
    const isLate = ({ at, ms }: CallRecord) => at + ms >= frozenAt;
    const early = made.filter((call) => !isLate(call));
    verdict.noFailures(early, 'unsafe');
    const failed = made.filter((call) => isLate(call) && isFailed(call));
    verdict.note(`then ${failed.length} unsafe failed`);
    verdict.within('after at most', Math.max(0, ...failed.map(({ ms }) => ms)), ENDED_BOUND_MS);
    verdict.within('the last began after', Math.max(0, ...failed.map(({ at }) => at - frozenAt)), SILENT_BOUND_MS);
    third?.signal('SIGCONT');
    const twice = testbed.carriedOutTwice();
    verdict.check(`${twice} carried out twice`, twice === 0);
  },
};
