import { describe, expect, it } from '@jest/globals';
import { PingBarrier } from './ping-barrier.js';

/** A connection whose pings are answered when the test says so. */
function connection() {
  const waiting: (() => void)[] = [];
  const ping = (callback: (error: Error | null, duration: number, payload: Buffer) => void) => {
    waiting.push(() => callback(null, 1, Buffer.alloc(8)));
    return true;
  };
  const answer = async () => {
    waiting.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { session: { ping } as ConstructorParameters<typeof PingBarrier>[0], waiting, answer };
}

/** Whether `work` is done, as far as it can be by now. */
async function isDone(work: Promise<void>): Promise<boolean> {
  let done = false;
  void work.then(() => {
    done = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return done;
}

describe('PingBarrier', () => {
  it('is passed with the answer to the second ping', async () => {
    const { session, answer } = connection();
    const passed = new PingBarrier(session).passed();
    await answer();
    expect(await isDone(passed)).toBe(false);
    await answer();
    expect(await isDone(passed)).toBe(true);
  });

  it('serves all that come while its pings are under way by the next two', async () => {
    const { session, answer, waiting } = connection();
    const barrier = new PingBarrier(session);
    const first = barrier.passed();
    const later = [barrier.passed(), barrier.passed(), barrier.passed()];
    await answer();
    await answer();
    expect(await isDone(first)).toBe(true);
    for (const one of later) expect(await isDone(one)).toBe(false);
    await answer();
    await answer();
    for (const one of later) expect(await isDone(one)).toBe(true);
    expect(waiting).toHaveLength(0);
  });

  it('is passed when the connection has ended', async () => {
    const session = {
      ping(): boolean {
        throw new Error('The session has been destroyed');
      },
    };
    await new PingBarrier(session).passed();
    expect(await isDone(new PingBarrier(session).passed())).toBe(true);
  });
});
