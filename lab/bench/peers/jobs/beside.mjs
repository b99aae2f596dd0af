// How long events take to reach two groups, while other keys and groups fail, don't answer or are away.
import { setTimeout as sleep } from 'node:timers/promises';
import { Moved, MoverServiceDefinition, WatcherServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/topics';
import { createOutcomeStore, createPool, migrate, outcomesSchema } from '@rondo/database';
import { freePort } from '@rondo/harness';
import { jobsSchema } from '@rondo/jobs';
import { currentWorkLimits, silentLogger as log } from '@rondo/rpc/call';
import { createChannel, staticResolver } from '@rondo/rpc/client';
import { createRouter, serve } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { standIn } from '@rondo/rpc/testing';
import { createSubscriber, createTopics, topicsSchema } from '@rondo/topics';

const GROUPS = ['once', 'strict', 'twin', 'atLeastOnce'];
const [BAD, BAD_EVERY, EVERY_MS] = ['bad', 20, 20];

const fails = () => Promise.reject(new RpcError(Status.INTERNAL, 'poison'));
const isAway = () => Promise.reject(new RpcError(Status.UNAVAILABLE, 'away'));
const neverAnswers = ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', reject));

/** What the handler of a group does, for one key or for all. */
const BESIDE = {
  'nothing else': {},
  'a poison message in the first group': { group: 'once', key: BAD, does: fails },
  'a key of the first group whose handler never answers': { group: 'once', key: BAD, does: neverAnswers },
  'another group that never answers': { group: 'twin', does: neverAnswers },
  'another group that is away': { group: 'atLeastOnce', does: isAway },
};

/** Topics with four groups on an empty database. `turn` publishes events, and takes their times to two groups that nothing happens to. */
export async function openTopics(url) {
  const [database, port] = [createPool({ url }), await freePort()];
  for (const { name: part, migrations } of [jobsSchema, topicsSchema, outcomesSchema])
    await migrate(database, { part, migrations });
  await database.query('CREATE TABLE effects (piece text NOT NULL)');
  let beside = {};
  const arrived = new Map();
  const handler = (group) => async (event, call) => {
    if (beside.group === group && (beside.key ?? event.piece) === event.piece) return await beside.does(call);
    arrived.get(group)?.set(event.piece, performance.now());
    await database.transaction(
      ({ query }) => query('INSERT INTO effects VALUES ($1)', [event.piece]),
      currentWorkLimits(),
    );
    return {};
  };
  const channel = createChannel({ resolver: staticResolver([`127.0.0.1:${port}`]) });
  const topics = createTopics({ database, topics: [Moved], services: [MoverServiceDefinition], channel, log });
  const watcher = standIn(WatcherServiceDefinition, Object.fromEntries(GROUPS.map((group) => [group, handler(group)])));
  const services = [watcher, topics.service];
  await serve(createRouter({ services, outcomes: createOutcomeStore(database) }), { listen: `127.0.0.1:${port}` });
  createSubscriber({ services: [WatcherServiceDefinition], channel, log }).start();
  while ((await database.query('SELECT FROM topic_groups')).length < GROUPS.length) await sleep(50);
  await topics.start();
  const publish = async (piece) => {
    await database.transaction((transaction) => topics.publish(transaction, Moved, { piece }));
    topics.nudge();
  };
  return {
    database,
    /** What happens during the events from now on: one of `BESIDE`. */
    has(name) {
      beside = BESIDE[name];
    },
    /** Milliseconds from the commit of each event to its handler, by group. */
    async turn(name, { count, everyMs = EVERY_MS }) {
      const published = new Map();
      for (const group of GROUPS.slice(0, 2)) arrived.set(group, new Map());
      for (let index = 0; index < count; index += 1) {
        if (index % BAD_EVERY === 0) await publish(BAD);
        const piece = `${name} ${index}`;
        await publish(piece);
        published.set(piece, performance.now());
        await sleep(everyMs);
      }
      const times = [...arrived.values()];
      while (times.some((of) => [...published.keys()].some((piece) => !of.has(piece)))) await sleep(50);
      return times.map((of) => [...published].map(([piece, at]) => Math.max(0, of.get(piece) - at)));
    },
  };
}

/** The times of events by what happens meanwhile, and by group. Rounds of each follow one another. */
export async function measureBeside(url, { rounds, count }) {
  const { database, has, turn } = await openTopics(url);
  const all = Object.fromEntries(Object.keys(BESIDE).map((name) => [name, [[], []]]));
  await turn('warm', { count });
  for (let round = 0; round < rounds; round += 1)
    for (const name of Object.keys(BESIDE)) {
      has(name);
      const times = await turn(`${name} ${round}`, { count });
      for (const [group, of] of times.entries()) all[name][group].push(...of);
      has('nothing else');
      // What hangs ends by its timeout.
      while ((await database.query('SELECT FROM jobs WHERE NOT failed LIMIT 1')).length > 0) await sleep(50);
      await database.query('DELETE FROM jobs');
    }
  return all;
}
