import { CheckRequest, TwentyRules } from '@rondo/contracts/rondo/conformance/v1/validation';
import { median, show } from './report/figures.mjs';

/**
 * What the rules of a contract cost: a request by 20 rules is decoded, and decoded and checked, in rounds that take turns. The
 * rules may cost as much processor time as the decoding.
 */
export const benchmark = {
  name: 'validation',
  summary: 'what it costs to check a request by 20 rules, against decoding it',
  options: {
    rounds: { type: 'count', default: 31, help: 'how often each is measured' },
    messages: { type: 'count', default: 20_000, help: 'how many messages a round has' },
    bound: { type: 'text', value: 'RATIO', default: '1', help: 'what checking may cost, against decoding' },
  },
  run({ rounds, messages, bound }) {
    const rows = [
      measure({ name: '20 rules', type: TwentyRules, request: TWENTY }, { rounds, messages }),
      measure({ name: '8 rules', type: CheckRequest, request: EIGHT }, { rounds, messages }),
    ];
    console.table(rows);
    const worst = Math.max(...rows.map((row) => row.ratio));
    show(`checking costs ${worst} × decoding at most, bound ${bound}`);
    return worst <= Number(bound);
  },
};

const ITEMS = [
  { name: 'first', quantity: 3n },
  { name: 'second', quantity: 100n },
];

const TWENTY = {
  requestId: '01234567-89ab-cdef-0123-456789abcdef',
  customer: 'customers/01jd8f2x9q-acme',
  title: 'Six months of maintenance, with weekends',
  email: 'ada.lovelace@example.com',
  note: 'Call before you come, please: the gate is closed on Mondays, and the dog is not always friendly to strangers.',
  currency: 'EUR',
  units: 1_299n,
  nanos: 990_000_000,
  discount: 12.5,
  color: 2,
  items: ITEMS,
  validity: { seconds: 86_400n, nanos: 0 },
  digest: new Uint8Array(32).fill(7),
};
const EIGHT = { requestId: TWENTY.requestId, item: ITEMS[0], items: ITEMS, labels: { team: 'north', cost: 'low' } };

function measure({ name, type, request }, { rounds, messages }) {
  const bytes = type.encode(type.fromPartial(request)).finish();
  const found = type.checked.decode(bytes).violations();
  if (found.length > 0) throw new Error(`the request is valid, but ${JSON.stringify(found)}`);
  const decode = (times) => {
    let seen = 0;
    for (let index = 0; index < times; index += 1) seen += type.decode(bytes) === undefined ? 0 : 1;
    return seen;
  };
  const check = (times) => {
    let seen = 0;
    for (let index = 0; index < times; index += 1) seen += type.checked.decode(bytes).violations().length;
    return seen;
  };
  for (const run of [decode, check]) run(messages);
  const times = Array.from({ length: rounds }, () => [nanosecondsOf(decode, messages), nanosecondsOf(check, messages)]);
  return {
    request: name,
    'ns to decode': Math.round(median(times.map(([one]) => one))),
    'ns to decode and check': Math.round(median(times.map(([, both]) => both))),
    ratio: Number(median(times.map(([one, both]) => (both - one) / one)).toFixed(2)),
  };
}

/** The time of a message by this process's own processor time, which a busy machine doesn't change. */
function nanosecondsOf(run, messages) {
  const startedAt = process.cpuUsage();
  run(messages);
  const { user, system } = process.cpuUsage(startedAt);
  return ((user + system) / messages) * 1e3;
}
