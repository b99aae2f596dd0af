import { setTimeout as sleep } from 'node:timers/promises';
import { quantiles } from '../report/figures.mjs';

/** How long one turn of a burner takes, busy and idle together. Milliseconds. */
const TURN_MS = 20;

/** Uses this share of a processor for some seconds, in turns. */
export async function burn({ share, seconds }) {
  const endsAt = performance.now() + seconds * 1_000;
  while (performance.now() < endsAt) {
    const until = performance.now() + TURN_MS * share;
    while (performance.now() < until);
    await sleep(Math.max(0, TURN_MS * (1 - share)));
  }
}

/**
 * Calls at a fixed pace, one after the other. A call's time counts from when it was due: a server that stands still delays all
 * calls that were due meanwhile.
 */
export async function paced(call, { seconds, callsPerSecond }) {
  const taken = [];
  const failures = [];
  const startedAt = performance.now();
  for (let count = 0; count < seconds * callsPerSecond; count += 1) {
    const due = startedAt + (count * 1_000) / callsPerSecond;
    const wait = due - performance.now();
    if (wait > 0) await sleep(wait);
    await call().catch((error) => failures.push(String(error)));
    taken.push(performance.now() - due);
  }
  return { ...quantiles(taken), calls: taken.length, failures };
}

/** Runs attacks by name, round after round, some at once and with pauses, until they are told to stop: the commands of a worker. */
export function attackCommands(attacks) {
  let goesOn = false;
  let running = Promise.resolve();
  return {
    names: () => Object.keys(attacks),
    begin({ name, target, atOnce, pauseMs }) {
      goesOn = true;
      const lane = async () => {
        while (goesOn) {
          await attacks[name](target);
          await sleep(pauseMs);
        }
      };
      running = Promise.all(Array.from({ length: atOnce }, lane));
    },
    async stop() {
      goesOn = false;
      await running;
    },
    burn,
  };
}
