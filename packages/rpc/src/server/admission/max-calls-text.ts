import type { Parsed } from '../../contract/setting-text.js';
import type { MaxCalls } from './admission.js';

const MOST = 1_000_000;
/** What stands for each caller. */
const CALLER = 'caller';
const ITEM = /^(?:([^=]+)=)?\s*(\d{1,7})$/;
const METHOD = /^\/?((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*\/[A-Za-z_]\w*)$/;

/** Bounds of the calls in flight as text. */
export const maxCallsText = {
  /** A noun phrase. */
  rule: `numbers of calls from 1 to ${MOST}, comma-separated: N for the server, ${CALLER}=N for each caller, package.Service/Method=N for a method`,
  example: '5000,caller=100,shop.v1.OrderService/CreateOrder=50',
  parse: parseMaxCalls,
  /** Writes bounds as `parse` reads them. */
  format: formatMaxCalls,
};

function parseMaxCalls(text: string): Parsed<MaxCalls> {
  const faults: string[] = [];
  const bounds = new Map<string, number>();
  for (const item of text.split(',').map((part) => part.trim())) {
    const bound = readBound(item);
    if (typeof bound === 'string') faults.push(`"${item}" ${bound}`);
    else if (bounds.has(bound.of)) faults.push(`there are two bounds for ${bound.of || 'the server'}`);
    else bounds.set(bound.of, bound.calls);
  }
  const { '': server, [CALLER]: caller, ...methods } = Object.fromEntries(bounds);
  return { value: { server, caller, methods }, faults };
}

/** One bound: of a method by its path, of {@link CALLER}, or of the server, which has no name; or what is wrong with it. */
function readBound(item: string): { readonly of: string; readonly calls: number } | string {
  const [, name = '', digits = ''] = ITEM.exec(item) ?? [];
  const calls = Number(digits);
  if (digits === '' || calls < 1 || calls > MOST) return `is no number from 1 to ${MOST}`;
  const of = name.trim();
  if (of === '' || of === CALLER) return { of, calls };
  const [, method] = METHOD.exec(of) ?? [];
  return method === undefined ? 'names no method' : { of: `/${method}`, calls };
}

function formatMaxCalls({ server, caller, methods = {} }: MaxCalls): string {
  return [
    ...(server === undefined ? [] : [String(server)]),
    ...(caller === undefined ? [] : [`${CALLER}=${caller}`]),
    ...Object.entries(methods).map(([path, calls]) => `${path.slice(1)}=${calls}`),
  ].join(',');
}
