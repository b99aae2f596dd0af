import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { renewAll, replaceAuthority, retireAuthorities } from '@rondo/certificates';
import { startRegistry, startService, startWorker, until } from '@rondo/harness';
import { figure, quantiles, show, table } from './report/figures.mjs';

const NAMES = ['registry', 'calculator', 'caller'];
const TAKEN = /a new certificate is in use/g;

/**
 * What the replacement of all certificates and then of their authority costs calls and streams: real processes serve calls, which
 * no client may repeat, and watches of the registry, while the files change. Prints a row for each change of files.
 */
export const benchmark = {
  name: 'rotation',
  summary: 'calls and watches while all certificates, and then their authority, are replaced',
  options: {
    rate: { type: 'count', default: 300, help: 'calls a second' },
    watches: { type: 'count', default: 200, help: 'watches of the registry' },
    seconds: { type: 'count', default: 10, help: 'how long calls go on after a change is known everywhere' },
    hasty: { type: 'flag', help: 'replaces certificates and authority at once, so that new connections fail' },
  },
  async run({ rate, watches, seconds, hasty }, { folder, onClose }) {
    const certs = { folder: path.join(folder, 'certs'), trustDomain: 'rondo.bench', now: new Date() };
    const system = await startSystem(certs, { rate, watches, onClose });
    const record = createRecord(system, seconds);
    await record.calm();
    const renew = () => renewAll(NAMES, { ...certs, always: true });
    await record.change('all certificates', renew);
    if (hasty) {
      await record.change('everything at once', async () => {
        await replaceAuthority(certs);
        await renew();
        retireAuthorities(certs);
      });
    } else {
      await record.change('the authority: both are trusted', () => replaceAuthority(certs));
      await record.change('the authority: new certificates', renew);
      await record.change('the authority: the first is gone', () => retireAuthorities(certs));
    }
    return await record.end();
  },
};

/** A registry and two calculators with certificates, and a load of them in a process of its own. */
async function startSystem(certs, { rate, watches, onClose }) {
  await renewAll(NAMES, certs);
  const variables = (name) => ({ RONDO_TLS: 'on', RONDO_TLS_DIR: path.join(certs.folder, name) });
  const closed = async (starting) => {
    const started = await starting;
    onClose(() => started.stop('SIGKILL'));
    return started;
  };
  const limits = { RONDO_REGISTRY_MAX_WATCHES: String(3 * watches) };
  const registry = await closed(startRegistry({ env: { ...variables('registry'), ...limits } }));
  const startCalculator = (instanceId) =>
    closed(startService('calculator', { instanceId, registry: registry.address, env: variables('calculator') }));
  const calculators = await Promise.all(['calculator-1', 'calculator-2'].map(startCalculator));
  const load = startWorker(new URL('./rotation/load.mjs', import.meta.url), { env: variables('caller') });
  onClose(() => load.close());
  const addresses = calculators.map(({ address }) => address);
  await load.ask('begin', { registry: registry.address, calculators: addresses, rate, watches });
  await until(async () => (await load.ask('watched')).events.every((count) => count > 0) || undefined, {
    what: 'each watch begins',
  });
  return { processes: [registry, ...calculators], load, startCalculator };
}

/** Changes files, and notes what became of the calls and watches meanwhile. */
function createRecord({ processes, load, startCalculator }, seconds) {
  const rows = [];
  const all = [];
  const failures = [];
  let connections = 0;
  const row = async (what, { startedAt, knownAt }) => {
    const taken = await load.ask('take');
    const elapsedMs = performance.now() - startedAt;
    const { p50, p99, max } = quantiles(taken.latencies);
    const known = knownAt === undefined ? '–' : figure((knownAt - startedAt) / 1_000);
    const rate = figure((taken.calls * 1_000) / elapsedMs);
    rows.push([
      what,
      known,
      taken.calls,
      rate,
      taken.connections,
      taken.failures.length,
      ...[p50, p99, max].map(figure),
    ]);
    all.push(taken.calls);
    connections += taken.connections;
    failures.push(...taken.failures);
  };
  const takenBy = ({ output }) => output().stdout.match(TAKEN)?.length ?? 0;
  return {
    /** The calls while no file changes. */
    async calm() {
      await load.ask('take');
      const startedAt = performance.now();
      await sleep(seconds * 1_000);
      await row('nothing', { startedAt });
    },
    /** Waits until every process uses what is new, and then for the time of a row. */
    async change(what, change) {
      const before = processes.map(takenBy);
      const own = await load.ask('certificate');
      const startedAt = performance.now();
      await change();
      const isKnown = async () =>
        processes.every((one, index) => takenBy(one) > before[index]) && (await load.ask('certificate')) !== own;
      await until(async () => (await isKnown()) || undefined, { what: 'every process uses the new files' });
      const knownAt = performance.now();
      await sleep(seconds * 1_000);
      await row(what, { startedAt, knownAt });
    },
    /** Has each watch tell of a new instance, and prints all; gives whether nothing failed or broke. */
    async end() {
      const { events: before } = await load.ask('watched');
      await startCalculator('calculator-3');
      const told = async () => {
        const { events, broken } = await load.ask('watched');
        return broken.length > 0 || events.every((count, index) => count > before[index]) || undefined;
      };
      await until(told, { what: 'each watch tells of a new instance' });
      await load.ask('end');
      const { events, broken } = await load.ask('watched');
      const head = ['replaced', 'known after s', 'calls', 'calls/s', 'new connections', 'failed'];
      show(table([...head, 'p50 ms', 'p99 ms', 'max ms'], rows));
      for (const reason of [...new Set([...failures, ...broken])].slice(0, 5)) show(reason);
      const calls = all.reduce((sum, one) => sum + one);
      show(
        `${failures.length} of ${calls} calls and ${connections} new connections failed; ${broken.length} of ${events.length} watches broke, and the others told of a new instance`,
      );
      return failures.length === 0 && broken.length === 0;
    },
  };
}
