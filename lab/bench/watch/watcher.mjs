import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs, writtenAt } from './writers.mjs';

const RETRY_MS = 20;
/** How many messages old the token is that the control `behind` comes back with. */
const BEHIND = 3;

/**
 * Watches a project, and keeps what it received.
 *
 * @param options `how`: `contract` resumes as the contract says. The controls resume by hand: `anew` without a token, `behind`
 *   with one that is three messages old.
 */
export function startWatcher(projects, { name, how }) {
  const ending = new AbortController();
  const seen = { name, told: [], tookMs: [], state: new Map(), snapshots: 0, breaks: 0, failure: undefined };
  const take = taker(seen);
  let begin;
  const begun = new Promise((resolve) => {
    begin = resolve;
  });
  const onMessage = (message) => {
    take(message);
    if (seen.snapshots > 0) begin();
  };
  const read = how === 'contract' ? byContract : byHand;
  const ended = read(projects, { name, how, seen, onMessage, signal: ending.signal }).catch((error) => {
    if (!ending.signal.aborted) seen.failure = String(error);
    begin();
  });
  return {
    seen,
    begun,
    async stop() {
      ending.abort();
      await ended;
    },
  };
}

/** A snapshot replaces the state; a change is added to it. The title of a task says when it was written. */
function taker(seen) {
  let more = false;
  const takeSnapshot = (snapshot) => {
    if (!more) seen.state.clear();
    for (const { name, title } of snapshot.tasks) seen.state.set(name, title);
    more = snapshot.more;
    if (!more) seen.snapshots += 1;
  };
  const takeTask = ({ name, title }) => {
    seen.tookMs.push(nowMs() - writtenAt(title));
    seen.told.push(title);
    seen.state.set(name, title);
  };
  return ({ event }) => {
    if (event?.$case === 'snapshot') takeSnapshot(event.value);
    if (event?.$case === 'taskChanged') takeTask(event.value);
  };
}

async function byContract(projects, { name, seen, onMessage, signal }) {
  const onStreamBreak = () => {
    seen.breaks += 1;
  };
  for await (const message of projects.watchProject({ name }, { signal, onStreamBreak })) onMessage(message);
}

async function byHand(projects, { name, how, seen, onMessage, signal }) {
  const tokens = [];
  while (!signal.aborted) {
    const resumeToken = how === 'behind' ? tokens.at(-BEHIND) : undefined;
    try {
      for await (const message of projects.watchProject({ name, resumeToken }, { signal, resumeForMs: 0 })) {
        tokens.push(message.resumeToken);
        if (tokens.length > BEHIND) tokens.shift();
        onMessage(message);
      }
    } catch {
      seen.breaks += 1;
      await sleep(RETRY_MS);
    }
  }
}
