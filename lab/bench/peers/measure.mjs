// A whole run: starts the contenders, measures the workloads one after the other, and gives the raw data.
import { show } from '../report/figures.mjs';
import { versionOf } from './install.mjs';
import { chooseCores, describeMachine } from './machine.mjs';
import { startPeer } from './peer.mjs';
import { measureWorkload } from './rounds.mjs';

/**
 * @param options `contenders`; `workloads`; `pace`: `rounds`, `seconds`, `warmSeconds`; `onClose`.
 * @returns the data of report.mjs.
 */
export async function measurePeers({ contenders, workloads, pace, onClose }) {
  const cores = chooseCores();
  const entries = await startAll(contenders, { cores, workloads, onClose });
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

/** Starts one after the other. One that can't start is an entry with a `problem` instead of a `peer`. */
async function startAll(contenders, { cores, workloads, onClose }) {
  const entries = [];
  for (const contender of contenders) entries.push(await startOne(contender, { cores, workloads, onClose }));
  return entries;
}

async function startOne(contender, { cores, workloads, onClose }) {
  if (contender.absent !== undefined) return { contender };
  const calls = workloads.filter(({ name }) => contender.cannot?.[name] === undefined);
  try {
    const peer = await startPeer(contender, { cores, replicas: calls.some(({ replicas }) => replicas !== undefined) });
    onClose(() => peer.close());
    return { contender, peer };
  } catch (error) {
    const problem = `it didn’t start: ${error.message.split('\n')[0]}`;
    show(`${contender.name}: ${error.message}`);
    return { contender, problem };
  }
}

async function measureOne({ name, title, operation, ...workload }, entries, options) {
  const reasons = new Map(entries.map((entry) => [entry.contender.name, reasonOf(entry, name)]));
  const peers = entries.flatMap(({ peer, contender }) => (reasons.get(contender.name) === undefined ? [peer] : []));
  const results = await measureWorkload(peers, { name, ...workload }, options);
  const resultOf = ({ contender, problem }) => {
    const reason = reasons.get(contender.name);
    if (reason !== undefined) return { contender: contender.name, reason, failed: problem !== undefined };
    const { turns, failed } = results.get(contender.name);
    if (failed === undefined) return { contender: contender.name, turns };
    return { contender: contender.name, reason: `it failed: ${failed}`, failed: true };
  };
  return { name, title, operation, results: entries.map(resultOf) };
}

/** Why a contender doesn't run a workload; undefined if it does. */
function reasonOf({ contender: { absent, cannot }, problem, peer }, workload) {
  return absent ?? problem ?? cannot?.[workload] ?? peer.stuck;
}

function describe({ contender: { name, title, form, packages, absent }, peer, rest }) {
  const versions = Object.fromEntries(packages.map((one) => [one, versionOf(one)]));
  const memory = peer && peer.stuck === undefined ? { rest, end: peer.memory() } : undefined;
  return { name, title, form, versions, absent, memory };
}
