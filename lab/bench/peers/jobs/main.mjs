// A process of one queue: its parent has it work, and gets figures.
import { setTimeout as sleep } from 'node:timers/promises';
import { answerParent } from '@rondo/harness';
import { CONTENDERS } from './contenders.mjs';
import { measureCosts } from './costs.mjs';

const BATCH = 500;
let queue;
let done = 0;
let whenDone = () => undefined;
const begun = new Map();

/** Resolves as soon as `count` jobs have ended. */
const until = (count) =>
  new Promise((resolve) => {
    whenDone = () => done >= count && resolve();
    whenDone();
  });

const named = (kind, count) => Array.from({ length: count }, (_, index) => `${kind}-${index}`);

async function enqueueAll(chores) {
  for (let first = 0; first < chores.length; first += BATCH) await queue.enqueue(chores.slice(first, first + BATCH));
}

answerParent({
  async open({ contender, url }) {
    const onDone = () => {
      done += 1;
      whenDone();
    };
    queue = await CONTENDERS[contender]({ url, onBegin: (chore) => begun.set(chore, Date.now()), onDone });
  },
  /** Jobs a second of a queue that has `count` of them when it starts. */
  async drain(count) {
    await enqueueAll(named('drained', count));
    const beganAt = performance.now();
    await queue.start();
    await until(count);
    return (count * 1_000) / (performance.now() - beganAt);
  },
  /** Milliseconds between the time at which a job was due and its beginning, one job at a time. */
  async latencies({ count, inMs }) {
    const all = [];
    for (const chore of named(`late-${inMs}-${done}`, count)) {
      await sleep(Math.random() * 100); // not in step with what polls
      const dueAt = Date.now() + inMs;
      const target = done + 1;
      await queue.enqueue([chore], inMs === 0 ? undefined : new Date(dueAt));
      await until(target);
      all.push(begun.get(chore) - dueAt);
    }
    return all;
  },
  costs: ({ urls, count }) => measureCosts(urls, count),
  /** Enqueues and works for a while, each tenth of a second. */
  async steady({ seconds, perSecond }) {
    const target = done + (perSecond / 10) * seconds * 10;
    for (let tick = 0; tick < seconds * 10; tick += 1) {
      await Promise.all([enqueueAll(named(`steady-${tick}-${done}`, perSecond / 10)), sleep(100)]);
    }
    await until(target);
  },
});
