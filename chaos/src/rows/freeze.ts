import { type Row, SAFE, startThree } from '../row.js';
import { now, pass } from '../time.js';
import { isFailed } from '../verdict.js';

/** A ping each second, half a second for its answer, and a tenth for the timers of two processes. */
const KEEPALIVE_BOUND_MS = 1_500 + 100;

/** A replica stands still and its connections don't break. */
export const freeze: Row = {
  name: 'freeze',
  fault: 'SIGSTOP of one replica',
  bound: '3 s deadlines: 0 failed; 300 ms deadlines: none fails that begins 1.5 s (+ 0.1 s) after',
  control: 'no keepalive',
  without: 'keepalive',
  async run(stage) {
    const { scene, verdict, without } = stage;
    const { third, load: other } = await startThree(stage);
    await other.stop();
    const guard = without && { without };
    const patient = scene.startLoad({ ...SAFE, timeoutMs: 3_000, ...guard });
    const hasty = scene.startLoad({ ...SAFE, timeoutMs: 300, ...guard });
    await Promise.all([patient, hasty].map((load) => load.untilServed([third.id])));
    const frozenAt = now();
    third.signal('SIGSTOP');
    await pass(stage.lasts(12_000, 6_000));
    third.signal('SIGCONT');
    await pass(2_000);
    verdict.noFailures(await patient.stop(), 'of 3 s');
    const failed = (await hasty.stop()).filter(isFailed);
    verdict.note(`${failed.length} of 300 ms failed`);
    verdict.within('the last began after', Math.max(0, ...failed.map(({ at }) => at - frozenAt)), KEEPALIVE_BOUND_MS);
  },
};
