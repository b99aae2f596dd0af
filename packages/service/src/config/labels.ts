import { CANARY_LABEL, CANARY_RULE, parseCanaryPercent } from '@rondo/rpc/resolver';
import { invalid, type Parsed, type Parser, valid } from './parser.js';

/** An instance's labels, by their keys. */
export type Labels = Readonly<Record<string, string>>;

/** What the registry takes; its contract says so beside the field. */
const MAX_LABELS = 32;
const MAX_KEY_LENGTH = 64;
const MAX_VALUE_LENGTH = 256;

/** Labels as `key=value,key=value`. A value holds no comma; what follows the first `=` is all value. */
export const labels: Parser<Labels> = {
  rule: `at most ${MAX_LABELS} labels as key=value,key=value, a key of 1 to ${MAX_KEY_LENGTH} characters, a value of up to ${MAX_VALUE_LENGTH}, and ${CANARY_LABEL} ${CANARY_RULE}`,
  example: 'canary=5',
  parse(text) {
    const parts = text.split(',').map((part) => part.trim());
    if (parts.length > MAX_LABELS) return invalid(`has ${parts.length} labels`);
    const found = new Map<string, string>();
    for (const [index, part] of parts.entries()) {
      const label = readLabel(part, found);
      if (!label.ok) return invalid(`${parts.length === 1 ? '' : `item ${index + 1} `}${label.fault}`);
      found.set(...label.value);
    }
    return valid(Object.fromEntries(found));
  },
  format: (value) =>
    Object.entries(value)
      .map(([key, label]) => `${key}=${label}`)
      .join(','),
};

function readLabel(part: string, before: ReadonlyMap<string, string>): Parsed<[key: string, value: string]> {
  const end = part.indexOf('=');
  const key = part.slice(0, Math.max(end, 0)).trim();
  const value = part.slice(end + 1).trim();
  if (key === '') return invalid(end < 0 ? 'has no =' : 'has no key');
  if (key.length > MAX_KEY_LENGTH) return invalid(`has a key of ${key.length} characters`);
  if (value.length > MAX_VALUE_LENGTH) return invalid(`has a value of ${value.length} characters`);
  if (before.has(key)) return invalid(`gives ${key} twice`);
  const canary = key === CANARY_LABEL && parseCanaryPercent(value) === undefined;
  return canary ? invalid(`has a ${CANARY_LABEL} that is not ${CANARY_RULE}`) : valid([key, value]);
}
