import { startWorker } from '@rondo/harness';
import { figure, median, show, table } from './report/figures.mjs';

/** A client and a server by the library they are made with. The first pair is what the others are compared with. */
const PAIRS = [
  ['plain', 'plain'],
  ['plain', 'rondo'],
  ['rondo', 'rondo'],
];
/** How a round measures each kind of stream: how many messages go one way. */
const STREAMS = {
  'server stream': ({ messages }) => messages,
  'client stream': ({ messages }) => messages,
  'ping-pong': ({ messages }) => Math.ceil(messages / 5),
};
/** How many times as many messages of a server stream a second as plain grpc-js's server Rondo's must send. */
const BOUND = 3;

/**
 * How fast streams of small messages are, against plain grpc-js with the same codec. Client and server are processes of their
 * own, which check every message. The pairs take turns in one run; the ratio of each round counts.
 */
export const benchmark = {
  name: 'streams',
  summary: 'how fast streams of small messages are, against plain grpc-js',
  options: {
    rounds: { type: 'count', default: 5, help: 'how often each pair has its turn' },
    messages: { type: 'count', default: 10_000, help: 'how many messages a stream has; a fifth of that for ping-pong' },
    only: { type: 'text', value: 'STREAM', help: `one of ${Object.keys(STREAMS).join(', ')}` },
  },
  check: ({ only }) =>
    only === undefined || only in STREAMS ? undefined : `--only is "${only}": give ${Object.keys(STREAMS).join(', ')}`,
  async run({ rounds, messages, only }, { onClose }) {
    const pairs = await Promise.all(PAIRS.map((pair) => open(pair, onClose)));
    const kinds = only === undefined ? Object.keys(STREAMS) : [only];
    const ratios = [];
    for (const stream of kinds) {
      const task = { stream, messages: STREAMS[stream]({ messages }) };
      for (const pair of pairs) await measure(pair, task);
      for (let round = 0; round < rounds; round += 1) {
        for (const pair of pairs) pair.rounds.push(await measure(pair, task));
      }
      show(`\n${stream}, ${task.messages} messages\n${report(pairs)}`);
      if (stream === 'server stream') ratios.push(...pairs.slice(1).map((pair) => ratioOf(pair, pairs[0])));
      for (const pair of pairs) pair.rounds.length = 0;
    }
    return ratios.every((ratio) => ratio >= BOUND);
  },
};

async function open([clientKind, serverKind], onClose) {
  const server = startWorker(new URL('./streams/server.mjs', import.meta.url));
  onClose(() => server.close());
  const client = startWorker(new URL('./streams/client.mjs', import.meta.url));
  onClose(() => client.close());
  const address = `127.0.0.1:${await server.ask('serve', serverKind)}`;
  await client.ask('connect', { kind: clientKind, address });
  return { name: `${clientKind} client, ${serverKind} server`, client, server, rounds: [] };
}

async function measure({ client, server }, task) {
  const before = await server.ask('cpu');
  const { seconds, cpu } = await client.ask('run', task);
  const serverCpu = (await server.ask('cpu')) - before;
  const { messages } = task;
  return { rate: messages / seconds, client: cpu / messages, server: serverCpu / messages };
}

const ratiosOf = (pair, base) => pair.rounds.map(({ rate }, round) => rate / base.rounds[round].rate);
const ratioOf = (pair, base) => median(ratiosOf(pair, base));

function report(pairs) {
  const rows = pairs.map((pair) => {
    const of = (key) => figure(median(pair.rounds.map((round) => round[key])));
    const ratios = ratiosOf(pair, pairs[0]).map((ratio) => ratio.toFixed(1));
    return [pair.name, of('rate'), ratioOf(pair, pairs[0]).toFixed(2), of('client'), of('server'), ratios.join(' ')];
  });
  const head = ['median of the rounds', 'messages/s', 'ratio', 'µs of client', 'µs of server', 'ratio by round'];
  return table(head, rows);
}
