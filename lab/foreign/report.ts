import type { ForeignContract } from './contracts.js';
import type { Kind, ReflectedMethod } from './reflect.js';

/** The result of one contract. */
export interface Row {
  readonly contract: ForeignContract;
  /** How long `rondo new service` took. */
  readonly seconds: number;
  readonly methods: readonly ReflectedMethod[];
  /** `served`, or the reason why it isn't. */
  readonly result: string;
}

const HEADERS = ['service', 'about', 'contract', 'services', 'methods', 'kinds', 'seconds', 'result'];
const KINDS: readonly Kind[] = ['unary', 'client stream', 'server stream', 'bidirectional'];

/** The rows as a Markdown table. */
export function toTable(rows: readonly Row[]): string {
  const lines = [HEADERS, HEADERS.map(() => '---'), ...rows.map(toCells)];
  return lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

function toCells({ contract, seconds, methods, result }: Row): readonly string[] {
  const services = new Set(methods.map(({ service }) => service)).size;
  const { service, about, from, file } = contract;
  const counts = [services, methods.length].map(String);
  return [service, about, `${from} ${file}`, ...counts, kindsOf(methods), seconds.toFixed(1), inOneCell(result)];
}

function kindsOf(methods: readonly ReflectedMethod[]): string {
  const counted = KINDS.map((kind) => ({ kind, count: methods.filter((method) => method.kind === kind).length }));
  return counted
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => `${count} ${kind}`)
    .join(', ');
}

const inOneCell = (text: string) => text.replaceAll('|', '\\|').replace(/\s+/g, ' ');
