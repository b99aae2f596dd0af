import type { MaxCalls } from '@rondo/rpc/internal';
import { integer, invalid, type Parsed, type Parser, valid } from './parsers.js';

const METHOD = /^\/?((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*\/[A-Za-z_]\w*)$/;
/** What stands for each caller. */
const CALLER = 'caller';
/** The key of the bound without a name. */
const SERVER = '';
const bound = integer({ min: 1, max: 1_000_000 });

/** Bounds of the calls in flight: a number for the server, `caller=N` for each caller, `package.Service/Method=N`. */
export const maxCalls: Parser<MaxCalls> = {
  rule: `numbers of calls from 1 to 1000000, comma-separated: N for the server, ${CALLER}=N for each caller, package.Service/Method=N for a method`,
  example: '5000,caller=100,shop.v1.OrderService/CreateOrder=50',
  parse(text) {
    const found = new Map<string, number>();
    for (const part of text.split(',').map((item) => item.trim())) {
      const item = readItem(part);
      if (!item.ok) return invalid(`has "${part}", which ${item.fault}`);
      const [key, calls] = item.value;
      if (found.has(key)) return invalid(`has two bounds for ${key === SERVER ? 'the server' : key}`);
      found.set(key, calls);
    }
    const { [SERVER]: server, [CALLER]: caller, ...methods } = Object.fromEntries(found);
    return valid({ server, caller, methods });
  },
  format: ({ server, caller, methods = {} }) =>
    [
      ...(server === undefined ? [] : [String(server)]),
      ...(caller === undefined ? [] : [`${CALLER}=${caller}`]),
      ...Object.entries(methods).map(([path, calls]) => `${path.slice(1)}=${calls}`),
    ].join(','),
};

function readItem(text: string): Parsed<[key: string, calls: number]> {
  const end = text.indexOf('=');
  const name = text.slice(0, Math.max(end, 0)).trim();
  const [, method] = METHOD.exec(name) ?? [];
  if (end >= 0 && name !== CALLER && method === undefined) return invalid('names no method');
  const calls = bound.parse(text.slice(end + 1).trim());
  if (!calls.ok) return invalid(calls.fault);
  return valid([method === undefined ? name : `/${method}`, calls.value]);
}
