import { REPLICAS, type Row, SAFE } from '../row.js';
import { freePort } from '../scene/ports.js';
import { now, pass } from '../time.js';
import { isFailed, p99 } from '../verdict.js';

/** What was under way when they died, and hasn't been told of it yet. */
const BREAK_MS = 100;

/** Nobody is left, and then all are back. */
export const allDown: Row = {
  name: 'all-down',
  fault: 'every replica down for 10 s, then up',
  bound: 'fails fast (< 50 ms) and says so; first success ≤ 1.5 s after the first is up',
  control: 'the client waits for an instance',
  without: 'fail-fast',
  async run({ scene, verdict, without, lasts }) {
    await scene.startRegistry();
    const start = (ports: readonly number[]) =>
      Promise.all(ports.map((port, index) => scene.startReplica(REPLICAS[index] ?? '', { port })));
    const ports = [await freePort(), await freePort(), await freePort()];
    const replicas = await start(ports);
    const load = scene.startLoad({ ...SAFE, ...(without && { without }) });
    await load.untilServed(REPLICAS);
    const downAt = now();
    await Promise.all(replicas.map((replica) => replica.end('SIGKILL')));
    await pass(lasts(10_000, 4_000));
    const up = await start(ports);
    const upAt = Math.min(...up.map(({ listenedAt }) => listenedAt));
    await load.untilServed(REPLICAS, upAt);

    const calls = await load.stop();
    const down = calls.filter((call) => call.at >= downAt + BREAK_MS && call.at < upAt && isFailed(call));
    verdict.within(`${down.length} failed while all were down; 99 of 100 within`, p99(down.map(({ ms }) => ms)), 50);
    verdict.within('the slowest', Math.max(...down.map(({ ms }) => ms)), 50);
    const silent = down.filter(
      ({ message = '' }) => !message.includes('no instance of calculator.v1.CalculatorService'),
    );
    verdict.check(`${silent.length} did not say that there is no instance`, silent.length === 0);
    const success = calls.filter((call) => !isFailed(call) && call.at + call.ms >= upAt).map(({ at, ms }) => at + ms);
    verdict.within('first success after', Math.min(...success) - upAt, 1_500);
  },
};
