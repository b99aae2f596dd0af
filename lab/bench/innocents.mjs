import path from 'node:path';
import { renewAll } from '@rondo/certificates';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { cpuMs, memoryMiB, startWorker } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { paced } from './attacks/beside.mjs';
import { mutualTlsIn, SERVER } from './identity/process.mjs';
import { figure, show, table } from './report/figures.mjs';

/** How many rounds of an attack there are at once, and the pause after each. */
const INTENSITY = { atOnce: 2, pauseMs: 50 };
const CALLS_PER_SECOND = 50;
/** How often a call is made on a new connection, handshake included. Milliseconds. */
const CONNECT_EACH_MS = 500;
const TIMEOUT_MS = 10_000;
/** The most p99, against that beside the burner; or so many milliseconds more, as short times differ by the machine. */
const [MOST, NOISE_MS] = [2, 10];

/**
 * What each kind of flood costs innocent clients of a server with mutual TLS. The same clients then call while other processes use as
 * much processor time as the attacker, and the server for it, have used; and while the server's event loop and the attacker's process
 * do, which is what that many honest calls would cost.
 */
export const benchmark = {
  name: 'innocents',
  summary: "innocent calls' p99 beside each kind of flood, against the same beside as much work",
  needs: 'Linux',
  options: {
    seconds: { type: 'count', default: 5, help: 'how long each attack lasts' },
    only: { type: 'text', value: 'NAME', help: 'the attacks whose names contain this' },
  },
  async run({ seconds, only = '' }, { folder, onClose }) {
    const setting = await start(folder, onClose);
    await callInnocently(setting, 2);
    const rows = [];
    let holds = true;
    let idle;
    for (const name of await setting.attacker.ask('names')) {
      if (idle !== undefined && !name.includes(only)) continue;
      const turn = await measure(setting, { name, seconds, idle });
      idle ??= turn.used.server;
      holds = judge(turn) && holds;
      rows.push(rowOf(name, turn));
      for (const failure of turn.attacked.failures.slice(0, 2)) show(`${name}: ${failure}`);
    }
    const head = ['flood', 'p50 ms', 'p99 ms', 'beside work p99', 'in the loop p99', 'ratio', 'failed'];
    show(table([...head, 'server CPU %', 'attacker CPU %', 'MiB'], rows));
    show(
      `${holds ? 'every' : 'NOT every'} p99 at most ${MOST} times, or ${NOISE_MS} ms more than, that beside as much work, and no innocent call failed`,
    );
    return holds;
  },
};

/** A server, a client of it, an attacker with a certificate of the trust domain, and processes that only compute. */
async function start(folder, onClose) {
  const now = new Date();
  await renewAll([SERVER, 'client', 'insider'], { folder, trustDomain: 'rondo.bench', now });
  const elsewhere = path.join(folder, 'elsewhere');
  await renewAll(['stranger'], { folder: elsewhere, trustDomain: 'rondo.bench', now });
  const closed = (worker) => {
    onClose(() => worker.close());
    return worker;
  };
  const server = closed(startWorker(new URL('./innocents/server.mjs', import.meta.url)));
  const [attacker, ...burners] = Array.from({ length: 3 }, () =>
    closed(startWorker(new URL('./innocents/attacker.mjs', import.meta.url))),
  );
  const port = await server.ask('serve', path.join(folder, SERVER));
  const target = { port, insider: path.join(folder, 'insider'), stranger: path.join(elsewhere, 'stranger') };
  const mutualTls = mutualTlsIn(path.join(folder, 'client'));
  const resolver = staticResolver([`127.0.0.1:${port}`], { tunnel: true });
  const open = () => createChannel({ resolver, mutualTls, connectTimeoutMs: TIMEOUT_MS });
  const standing = open();
  onClose(() => standing.close());
  return { server, attacker, burners, target, open, standing };
}

const callOver = (channel) =>
  createClient(ConformanceServiceDefinition, { channel }).unary({ text: 'innocent' }, { timeoutMs: TIMEOUT_MS });

/** Calls on the standing connection, whose times count, and on new ones, which must not fail either. */
async function callInnocently({ open, standing }, seconds) {
  const failures = [];
  const fresh = new Set();
  const timer = setInterval(() => {
    const channel = open();
    const call = callOver(channel)
      .catch((error) => failures.push(`a new connection: ${error}`))
      .finally(() => {
        channel.close();
        fresh.delete(call);
      });
    fresh.add(call);
  }, CONNECT_EACH_MS);
  const taken = await paced(() => callOver(standing), { seconds, callsPerSecond: CALLS_PER_SECOND });
  clearInterval(timer);
  await Promise.all(fresh);
  return { ...taken, failures: [...taken.failures, ...failures] };
}

/** @param idle the share of a processor that the server uses for the innocent calls alone. */
async function measure(setting, { name, seconds, idle }) {
  const { server, attacker, burners, target } = setting;
  const pids = { server: server.pid, attacker: attacker.pid };
  const cpu = () => Object.entries(pids).map(([who, pid]) => [who, cpuMs(pid)]);
  const before = Object.fromEntries(cpu());
  const startedAt = performance.now();
  await attacker.ask('begin', { name, target, ...INTENSITY });
  const attacked = await callInnocently(setting, seconds);
  const elapsedMs = performance.now() - startedAt;
  const used = Object.fromEntries(cpu().map(([who, ms]) => [who, (ms - before[who]) / elapsedMs]));
  const { resident } = memoryMiB(server.pid);
  await attacker.ask('stop');
  const shares = [used.server - (idle ?? used.server), used.attacker].map((share) => Math.min(1, Math.max(0, share)));
  const beside = async (workers) => {
    const burning = workers.map((worker, index) => worker.ask('burn', { share: shares[index], seconds }));
    const calls = await callInnocently(setting, seconds);
    await Promise.all(burning);
    return calls;
  };
  return { attacked, used, resident, burnt: await beside(burners), inLoop: await beside([server, burners[1]]) };
}

const ratioOf = ({ attacked, burnt }) => attacked.p99 / burnt.p99;

function judge({ attacked, burnt }) {
  return attacked.failures.length === 0 && attacked.p99 <= Math.max(MOST * burnt.p99, burnt.p99 + NOISE_MS);
}

function rowOf(name, turn) {
  const { attacked, burnt, inLoop, used, resident } = turn;
  return [
    name,
    ...[attacked.p50, attacked.p99, burnt.p99, inLoop.p99, ratioOf(turn)].map(figure),
    attacked.failures.length,
    ...[used.server, used.attacker].map((share) => figure(share * 100)),
    figure(resident),
  ];
}
