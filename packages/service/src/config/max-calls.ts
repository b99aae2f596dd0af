import { formatMaxCalls, MAX_CALLS_EXAMPLE, MAX_CALLS_RULE, type MaxCalls, parseMaxCalls } from '@rondo/rpc/internal';
import { invalid, type Parser, valid } from './parsers.js';

/** Bounds of the calls in flight: a number for the server, `caller=N` for each caller, `package.Service/Method=N`. */
export const maxCalls: Parser<MaxCalls> = {
  rule: MAX_CALLS_RULE,
  example: MAX_CALLS_EXAMPLE,
  parse(text) {
    const { value, faults } = parseMaxCalls(text);
    return faults.length > 0 ? invalid(faults.join('; ')) : valid(value);
  },
  format: formatMaxCalls,
};
