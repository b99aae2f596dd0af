import { type Row, startThree } from '../row.js';
import { triesOf } from '../scene/load.js';
import { now } from '../time.js';

/** A killed process's connections break at once; a client hears of it as soon as the machine lets it run. */
const BREAK_MS = 100;

/** A replica dies without a word. */
export const kill: Row = {
  name: 'kill',
  fault: 'kill -9 of one replica',
  bound: '0 failed; no pick of it after its connection breaks; gone from the registry ≤ TTL + 1 s',
  control: 'the client does not look at its connections, and tries nothing elsewhere',
  without: 'elsewhere',
  short: true,
  async run(stage) {
    const { scene, verdict } = stage;
    const { registry, third, load } = await startThree(stage);
    const killedAt = now();
    await third.end('SIGKILL');
    const goneAt = await registry.untilListed(['replica-1', 'replica-2'], scene.ttlMs + 10_000);
    const calls = await load.stop();
    verdict.noFailures(calls);
    const picks = triesOf(calls).filter(({ instance, at }) => instance === third.id && at >= killedAt);
    verdict.within('last pick after', Math.max(0, ...picks.map(({ at }) => at - killedAt)), BREAK_MS + scene.stallMs);
    verdict.within('gone after', goneAt - killedAt, scene.ttlMs + 1_000);
  },
};
