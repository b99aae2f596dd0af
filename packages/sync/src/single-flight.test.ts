import { describe, expect, it } from '@jest/globals';
import { singleFlight } from './single-flight.js';

/** Work that ends when it is told to. */
function stoppedWork() {
  const runs: { end: () => void; fail: (error: Error) => void }[] = [];
  const work = () =>
    new Promise<void>((end, fail) => {
      runs.push({ end, fail });
    });
  return { runs, flight: singleFlight(work) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a single flight', () => {
  it('has all that asked meanwhile served by one run more, which began after they asked', async () => {
    const { runs, flight } = stoppedWork();
    const first = flight.run();
    const later = [flight.run(), flight.run(), flight.run()];
    await turn();
    expect(runs).toHaveLength(1);
    runs[0]?.end();
    await first;
    await turn();
    expect(runs).toHaveLength(2);
    runs[1]?.end();
    await Promise.all(later);
    await turn();
    expect(runs).toHaveLength(2);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    'never has two under way, also when asked %i promises after an end',
    async (wait) => {
      const { runs, flight } = stoppedWork();
      const asked = [flight.run(), flight.run()];
      runs[0]?.end();
      for (let promise = 0; promise < wait; promise += 1) await Promise.resolve();
      asked.push(flight.run());
      await turn();
      expect(runs).toHaveLength(2);
      runs[1]?.end();
      await turn();
      runs[2]?.end();
      await Promise.all(asked);
    },
  );

  it('tells each the outcome of its own run, and goes on after a failure', async () => {
    const { runs, flight } = stoppedWork();
    const first = flight.run();
    const second = flight.run();
    runs[0]?.fail(new Error('away'));
    await expect(first).rejects.toThrow('away');
    await turn();
    runs[1]?.end();
    await second;
  });

  it('is idle when nothing runs and nothing follows', async () => {
    const { runs, flight } = stoppedWork();
    await flight.idle();
    const asked = [flight.run(), flight.run()];
    let idle = false;
    const waiting = flight.idle().then(() => {
      idle = true;
    });
    runs[0]?.end();
    await turn();
    expect(idle).toBe(false);
    runs[1]?.end();
    await Promise.all([...asked, waiting]);
  });
});
