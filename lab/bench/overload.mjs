import { startWorker } from '@rondo/harness';
import { figure, show, table } from './report/figures.mjs';

const CAPACITY = 1_000;
/** How long the same load goes on before anything is measured, so that the code is compiled. */
const WARM_UP_SECONDS = 5;
const CALM_RATE = 500;
const CALM_SECONDS = 5;
const AFTER_SECONDS = 8;

const SCENARIOS = {
  'grpc-js': { kind: 'plain', adaptive: true, servers: 1 },
  'rondo-2': { kind: 'rondo', adaptive: true, servers: 2 },
  'grpc-js-off': { kind: 'plain', adaptive: false, servers: 1 },
};

/** What a server answers that gets three times as many calls as it can answer, with its admission and without. */
export const benchmark = {
  name: 'overload',
  summary: 'what a server answers under three times its capacity, with admission and without',
  options: {
    seconds: { type: 'count', default: 60, help: 'how long the overload lasts' },
    times: { type: 'count', default: 3, help: 'how many times the capacity is offered' },
    quick: { type: 'flag', help: '10 seconds' },
    only: { type: 'text', value: 'SCENARIO', help: `one of ${Object.keys(SCENARIOS).join(', ')}` },
  },
  async run({ seconds, times, quick, only }) {
    const setting = { seconds: quick ? 10 : seconds, times };
    let holds = true;
    for (const name of only === undefined ? Object.keys(SCENARIOS) : [only]) {
      holds = (await measure({ name, ...SCENARIOS[name] }, setting)) && holds;
    }
    return holds;
  },
};

async function measure({ name, kind, adaptive, servers: count }, { seconds, times }) {
  const servers = Array.from({ length: count }, () => startWorker(new URL('./overload/server.mjs', import.meta.url)));
  const client = startWorker(new URL('./overload/client.mjs', import.meta.url));
  try {
    const addresses = await Promise.all(servers.map((server) => server.ask('serve', adaptive)));
    await client.ask('connect', { kind, addresses });
    await client.ask('load', { rate: CAPACITY * times * count, seconds: WARM_UP_SECONDS });
    const calm = await client.ask('load', { rate: CALM_RATE * count, seconds: CALM_SECONDS });
    await Promise.all(servers.map((server) => server.ask('figures')));
    const loaded = await client.ask('load', { rate: CAPACITY * times * count, seconds });
    const figures = await Promise.all(servers.map((server) => server.ask('figures')));
    const after = await client.ask('load', { rate: CALM_RATE * count, seconds: AFTER_SECONDS });
    return report(name, { calm, loaded, after, figures, seconds, capacity: CAPACITY * count, adaptive });
  } finally {
    for (const worker of [client, ...servers]) await worker.close();
  }
}

const OPERATION = ['check', 'renew', 'setOperatorState'];

function report(name, { calm, loaded, after, figures, seconds, capacity, adaptive }) {
  const answered = loaded.unary.answered + loaded.unaryUnsafe.answered;
  const goodput = answered / seconds / capacity;
  const refusalP99 = Math.max(...figures.map(({ p99 }) => p99 ?? 0));
  const slower = loaded.unaryUnsafe.p99 / calm.unaryUnsafe.p99;
  const failed = OPERATION.map((method) => loaded[method].calls - loaded[method].answered);
  const lost = failed.reduce((sum, each) => sum + each);
  const normalAfter = secondsToNormal(after, CALM_RATE * (capacity / CAPACITY));
  const attempts = figures.reduce((sum, { refused, handled }) => sum + refused + handled, 0);
  const calls = loaded.unary.calls + loaded.unaryUnsafe.calls;
  show(`\n${name}`);
  show(
    table(
      ['method', 'calls', 'answered', 'p50 ms', 'p99 ms', 'p99 before', 'errors'],
      Object.entries(loaded).map(([method, { calls: made, answered: well, p50, p99, byCode }]) => {
        const errors = Object.entries(byCode).map(([code, times]) => `${times} × ${code}`);
        return [method, made, well, figure(p50), figure(p99), figure(calm[method].p99), errors.join(', ')];
      }),
    ),
  );
  const shares = loaded.unary.bySecond.map((each, at) => each + loaded.unaryUnsafe.bySecond[at]);
  show(
    `answered in time: ${figure(goodput * 100)} % of the capacity; in the seconds ${Math.min(...shares)} to ${Math.max(...shares)}`,
  );
  show(
    `refusals in the server: p99 ${figure(refusalP99)} ms; the slowest ${figure(Math.max(...figures.map(({ max }) => max ?? 0)))}`,
  );
  show(`high priority: p99 is ${figure(slower)} × that before; health, renewals, drain: ${lost} of them failed`);
  show(`attempts a call: ${figure(attempts / calls)}; normal ${normalAfter} s after the load`);
  const holds = goodput >= 0.8 && refusalP99 <= 5 && slower <= 2 && lost === 0 && normalAfter <= 5;
  show(adaptive ? (holds ? 'all bounds hold' : 'A BOUND IS MISSED') : 'the control: without admission');
  return holds || !adaptive;
}

/** The first second after which every second has all its calls answered. */
function secondsToNormal({ unary }, rate) {
  const expected = Math.floor((rate - 100) * 0.97);
  return unary.bySecond.findLastIndex((answered) => answered < expected) + 1;
}
