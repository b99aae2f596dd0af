import { type Row, startThree } from '../row.js';
import { pass } from '../time.js';

/** The registry stands there and says nothing; who learns of deaths from it alone calls the dead. */
export const registryFrozen: Row = {
  name: 'registry-frozen',
  fault: 'registry frozen (SIGSTOP) for 1 minute, a replica killed meanwhile',
  bound: '0 failed',
  control: 'the client does not look at its connections, and tries nothing elsewhere',
  without: 'elsewhere',
  async run(stage) {
    const { registry, third, load } = await startThree(stage);
    const halfMs = stage.lasts(60_000, 6_000) / 2;
    registry.signal('SIGSTOP');
    await pass(halfMs);
    await third.end('SIGKILL');
    await pass(halfMs);
    registry.signal('SIGCONT');
    // Long enough for what it has missed to reach everybody.
    await pass(4_000);
    stage.verdict.noFailures(await load.stop());
  },
};
