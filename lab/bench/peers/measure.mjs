// A whole run: starts the contenders, measures the workloads one after the other, and gives the raw data.
import { show } from '../report/figures.mjs';
import { versionOf } from './install.mjs';
import { chooseCores, describeMachine } from './machine.mjs';
import { startPeer } from './peer.mjs';
import { measureWorkload } from './rounds.mjs';

/**
 * @param options `contenders`; `workloads`; `pace`: `rounds`, `seconds`, `warmSeconds`; `onClose`.
 */
export async function measurePeers({ contenders, workloads, pace, onClose }) {
  const cores = chooseCores();
  const entries = [];
  for (const contender of contenders) entries.push(await startOne(contender, { cores, workloads, onClose }));
  const pids = entries.flatMap(({ peer }) => peer?.pids ?? []);
  for (const entry of entries) entry.rest = entry.peer?.memory();
  const measured = [];
  for (const workload of workloads) {
    show(`${workload.title} …`);
    measured.push(await measureOne(workload, entries, { ...pace, pids }));
  }
  const failures = measured.flatMap(({ results }) => results).filter(({ failed }) => failed).length;
  return {
    measuredAt: new Date().toISOString(),
    machine: describeMachine(),
    pinned: cores !== undefined,
    settings: { rounds: pace.rounds, seconds: pace.seconds },
    failures,
    contenders: entries.map(describe),
    workloads: measured,
  };
}

/** One that can't start is an entry with a `problem` instead of a `peer`. */
async function startOne(contender, { cores, workloads, onClose }) {
  const calls = workloads.filter(({ name }) => contender.cannot?.[name] === undefined);
  try {
    const peer = await startPeer(contender, { cores, replicas: calls.some(({ replicas }) => replicas !== undefined) });
    onClose(() => peer.close());
    return { contender, peer };
  } catch (error) {
    show(`${contender.name}: ${error.message}`);
    return { contender, problem: `it didn’t start: ${error.message.split('\n')[0]}` };
  }
}

async function measureOne({ name, title, operation, ...workload }, entries, options) {
  const reasonOf = ({ contender: { cannot }, problem, peer }) => problem ?? cannot?.[name] ?? peer.stuck;
  const reasons = entries.map(reasonOf);
  const peers = entries.flatMap(({ peer }, index) => (reasons[index] === undefined ? [peer] : []));
  const measured = await measureWorkload(peers, { name, ...workload }, options);
  const results = entries.map(({ contender, problem }, index) => {
    const reason = reasons[index];
    if (reason !== undefined) return { contender: contender.name, reason, failed: problem !== undefined };
    const { turns, failed } = measured.get(contender.name);
    if (failed === undefined) return { contender: contender.name, turns };
    return { contender: contender.name, reason: `it failed: ${failed}`, failed: true };
  });
  return { name, title, operation, results };
}

function describe({ contender: { name, title, form, packages }, peer, rest }) {
  const versions = Object.fromEntries(packages.map((one) => [one, versionOf(one)]));
  const memory = peer && peer.stuck === undefined ? { rest, end: peer.memory() } : undefined;
  return { name, title, form, versions, memory };
}
