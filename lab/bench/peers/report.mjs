// The report in Markdown. It is made of the raw data alone, so an accepted run can be written again.
import { figure, table } from '../report/figures.mjs';
import { BASE } from './contenders.mjs';
import { summarise } from './statistics.mjs';

/** The data with the `summaries` of each workload. */
export const withSummaries = (data) => ({
  ...data,
  workloads: data.workloads.map((workload) => ({ ...workload, summaries: summarise(workload.results) })),
});

/** @param data of {@link withSummaries}. */
export function peersReport(data) {
  return [
    '# Rondo compared with its peers',
    introductionOf(data),
    '## Operations a second, against plain grpc-js',
    overviewOf(data),
    'Plain grpc-js with proto-loader is 1. `~`: no difference was shown, as the spread of the rounds contains 1. `*`: other processes disturbed a turn, however often it was repeated. `–`: the reason is [below](#what-is-missing). Rondo, memory: client and server are one process, and no wire is between them.',
    '![The same as a chart](peers.svg)',
    ...data.workloads.flatMap((workload) => [`## ${capital(workload.title)}`, detailsOf(workload, data)]),
    '## Memory',
    memoryOf(data),
    '## What is missing',
    missingOf(data),
    '## What is measured',
    contendersOf(data),
    METHOD,
    '',
  ].join('\n\n');
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function introductionOf({ measuredAt, machine, pinned, settings }) {
  const { processor, cores, memoryGiB, kernel, node } = machine;
  const where = `${processor}, ${cores} cores, ${memoryGiB} GiB, Linux ${kernel}, Node ${node}`;
  const cores2 = pinned ? 'servers on one core and clients on another' : 'no process was pinned to a core';
  const how = `${settings.rounds} rounds, turns of ${settings.seconds} s, ${cores2}`;
  const part = settings.whole ? '' : ' This run was quick or partial: it shows whether all works, not how well.';
  return `Measured on ${measuredAt.slice(0, 10)}: ${where}; ${how}.${part} \`npm run lab -- peers\` measures it again.`;
}

function overviewOf({ contenders, workloads }) {
  const cell = (summaries, name) => {
    const { ratio, noise, disturbed } = summaries.find(({ contender }) => contender === name) ?? {};
    return ratio === undefined ? '–' : `${noise ? '~' : ''}${ratio.toFixed(2)}${disturbed > 0 ? '*' : ''}`;
  };
  const rows = workloads.map(({ title, summaries }) => [title, ...contenders.map(({ name }) => cell(summaries, name))]);
  return table(['workload', ...contenders.map(({ title }) => title)], rows);
}

function detailsOf({ operation, summaries, name }, { contenders }) {
  const times = name.endsWith('-stream') ? ['p50 of a stream, ms', 'p99, ms'] : ['p50, ms', 'p99, ms'];
  const head = ['', `${operation}s/s`, 'ratio', 'spread', ...times, 'p99 ratio'];
  const cpu = [`client µs a ${operation}`, `server µs a ${operation}`, 'CPU ratio'];
  const rows = summaries
    .filter(({ perSecond }) => perSecond !== undefined)
    .map((one) => [
      contenders.find(({ name: other }) => other === one.contender).title,
      figure(one.perSecond),
      `${one.noise ? '~' : ''}${figure(one.ratio)}${one.disturbed > 0 ? '*' : ''}`,
      one.low === undefined ? '–' : `${one.low.toFixed(2)}–${one.high.toFixed(2)}`,
      figure(one.p50),
      figure(one.p99),
      figure(one.p99Ratio),
      figure(one.clientCpuUs),
      figure(one.serverCpuUs),
      figure(one.cpuRatio),
    ]);
  return table([...head, ...cpu], rows);
}

function memoryOf({ contenders }) {
  const rows = contenders
    .filter(({ memory }) => memory !== undefined)
    .map(({ title, memory: { rest, end } }) => [
      title,
      figure(rest.server?.resident),
      figure(end.server?.peak),
      figure(rest.client.resident),
      figure(end.client.peak),
    ]);
  return table(['resident, MiB', 'server, connected', 'server, peak', 'client, connected', 'client, peak'], rows);
}

function missingOf({ contenders, workloads }) {
  const missing = workloads.flatMap(({ title, summaries }) =>
    summaries.flatMap(({ contender, reason }) => {
      const peer = contenders.find(({ name }) => name === contender).title;
      return reason === undefined ? [] : [`- ${peer}, ${title}: ${reason}.`];
    }),
  );
  return [ENCORE, ...missing].join('\n');
}

function contendersOf({ contenders }) {
  const rows = contenders.map(({ title, form, versions }) => [
    title,
    form,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
  ]);
  return table(['', 'form', 'versions'], rows);
}

const ENCORE =
  '- Encore.ts: npm alone can’t run it: the package encore.dev has no runtime, and throws unless ENCORE_RUNTIME_LIB names the native library encore-runtime.node, which only Encore’s own installer brings.';

const METHOD = `All gRPC contenders serve \`rondo.conformance.v1.ConformanceService\`; the others have methods of the same names. Server and client are
processes of their own. In a round every contender has its turn, in an order that rotates. A ratio is taken within a round; the table has the median of the
rounds, and the spread from the least to the greatest. The benchmark takes a turn again, up to three times, if processes other than its own used over 5 % of
a core; \`*\` marks what stayed disturbed. Each reply is compared with its request, each message of a stream with its index or text, and three replicas must
have a third of the calls each. The times of a stream are those of all its messages. Processor time is what the processes count themselves
(\`process.cpuUsage\`). The peers' calls have no deadline, since their documented forms have none; Rondo's unary calls have theirs. The code is in
\`lab/bench/peers/\`; \`${BASE}\` is the base.`;
