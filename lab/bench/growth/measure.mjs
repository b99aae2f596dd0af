import { startWorker } from '@rondo/harness';
import { median } from '../report/figures.mjs';
import { LOADED, LOADS, systemOf, WAYS } from './parts.mjs';

/** So many calls at a time reach what a system carries. */
const LANES = 512;

/** What each size of a part costs, by either way, in rounds: `{ way, size, perSecond, clientUs, serverUs, p50, p99 }`. */
export async function measurePart(part, pace) {
  const rows = [];
  for (const size of part.sizes) {
    for (const { way, tunnel } of WAYS) {
      rows.push({
        way,
        size,
        ...(await withSystem({ ...systemOf(part, size), tunnel }, (system) => closedRounds(system, pace))),
      });
    }
  }
  return rows;
}

/** How long calls take at each load: `{ way, load, perSecond, p50, p99, failed, skipped }`. */
export async function measureLoad(pace) {
  const rows = [];
  for (const { way, tunnel } of WAYS)
    rows.push(...(await withSystem({ ...LOADED, tunnel }, (system) => loads(system, way, pace))));
  return rows;
}

async function loads({ client }, way, { seconds, warmSeconds, rounds }) {
  await client.ask('closed', { seconds: warmSeconds, lanes: LANES });
  const found = [];
  for (let round = 0; round < rounds; round += 1)
    found.push((await client.ask('closed', { seconds, lanes: LANES })).perSecond);
  const capacity = median(found);
  const rows = [];
  for (const load of LOADS) {
    const offered = (capacity * load) / 100;
    rows.push({ way, load, offered, ...(await client.ask('open', { seconds, perSecond: offered })) });
  }
  return rows;
}

async function closedRounds({ client, server }, { seconds, warmSeconds, rounds }) {
  await client.ask('closed', { seconds: warmSeconds });
  const turns = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = await server.ask('cpuUs');
    const turn = await client.ask('closed', { seconds });
    turns.push({
      ...turn,
      clientUs: turn.cpuUs / turn.calls,
      serverUs: ((await server.ask('cpuUs')) - before) / turn.calls,
    });
  }
  const middle = (field) => median(turns.map((turn) => turn[field]));
  return Object.fromEntries(['perSecond', 'clientUs', 'serverUs', 'p50', 'p99'].map((field) => [field, middle(field)]));
}

/** Starts a server and a client of this size, and closes them after `work`. */
async function withSystem({ replicas, services, methods, ...connection }, work) {
  const server = startWorker(new URL('./server-main.mjs', import.meta.url));
  const client = startWorker(new URL('./client-main.mjs', import.meta.url));
  try {
    const addresses = await server.ask('serve', { replicas, services, methods });
    await client.ask('connect', { addresses, services, methods, ...connection });
    return await work({ server, client });
  } finally {
    await Promise.all([client.close(), server.close()]);
  }
}
