import { type Implementation, matches, type Outcome, type Side } from './suite.js';

/** Which end is under test, and on what: `server rondo`. */
export type Ends = `${Side} ${Implementation}`;

const HEADERS = [
  'under test',
  'cases',
  'Rondo passes',
  'grpc-js passes',
  'only grpc-js',
  'only Rondo',
  "Rondo can't run",
];

/** The runs as a Markdown table, for each side Rondo beside grpc-js alone. The gateway has nothing beside it. */
export function toTable(outcomes: ReadonlyMap<Ends, Outcome>): string {
  const rows = (['server', 'client'] as const).flatMap((side) => {
    const rondo = outcomes.get(`${side} rondo`);
    const plain = outcomes.get(`${side} plain`);
    return rondo === undefined || plain === undefined ? [] : [toCells(side, rondo, plain)];
  });
  const gateway = outcomes.get('server gateway');
  if (gateway !== undefined) rows.push(['gateway', String(gateway.cases), String(gateway.passed), '', '', '', '']);
  return [HEADERS, HEADERS.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

function toCells(side: Side, rondo: Outcome, plain: Outcome): readonly string[] {
  const notRun = plain.cases - rondo.cases;
  const counts = [plain.cases, rondo.passed, plain.passed, onlyFirst(rondo, plain), onlyFirst(plain, rondo), notRun];
  return [side, ...counts.map(String)];
}

/** How many cases fail in the first run and pass in the second, without the cases that fail there now and then. */
function onlyFirst({ failed }: Outcome, second: Outcome): number {
  const notPassed = new Set(second.failed);
  const others = [...second.skipped, ...second.flaky];
  const passes = (name: string) => !notPassed.has(name) && !others.some((pattern) => matches(pattern, name));
  return failed.filter(passes).length;
}
