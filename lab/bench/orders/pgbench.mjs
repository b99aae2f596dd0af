import { execFile } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { CUSTOMERS, PRODUCTS } from './load.mjs';

const run = promisify(execFile);

// A service exports nothing as a package: its statements come from its built files.
const sales = new URL('../../../services/sales/dist/', import.meta.url);
const { PLACE_ORDER } = await import(new URL('place-order.js', sales));
const { FIND_PRODUCTS } = await import(new URL('offers.js', sales));

/** The path of pgbench; undefined if it isn't installed. Debian keeps it out of the PATH. */
export function findPgbench() {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).map((version) => path.join(debian, version, 'bin')) : [];
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), ...versions];
  return folders.map((folder) => path.join(folder, 'pgbench')).find((file) => existsSync(file));
}

/**
 * The values of the statements' parameters: those of the orders that the callers place, drawn by pgbench. `$1` to `$30` are
 * the parameters of `PLACE_ORDER`.
 */
const ids = 'ARRAY[:a::text, :b::text]';
const VALUES = [
  ...[ids, 'ARRAY[2, 1]', 'ARRAY[1, 1]'],
  ...[':id', 'NULL', ':customer', "'2026-01-31'", "'0'", "'20'", "'EUR'", "'5997'", "'7196'"],
  ...[ids, 'ARRAY[2, 1]', 'ARRAY[0, 0]', "ARRAY['Desk', 'Desk']", 'ARRAY[1999, 1999]'],
  'clock_timestamp()',
  `('{"reason":"ORDERED","reference":"orders/' || :id::text || '","subject":""}')`,
  // A new key, and a reply as long as the service's.
  ...['gen_random_uuid()', "'/sales.v1.OrderService/PlaceOrder'", "''", "decode(repeat('ab', 32), 'hex')"],
  ...['2592000000', "decode(repeat('ab', 260), 'hex')"],
  // What is published.
  ...['gen_random_uuid()', "'sales.v1.OrderPlaced'", "'orders/' || :id::text", "decode(repeat('ab', 40), 'hex')", "''"],
];

/** Writes the script: the statements of one `PlaceOrder`, each a transaction of its own, as the service runs them. */
export function writeScript(file) {
  const half = PRODUCTS / 2;
  const lines = [
    `\\set a random(1, ${half})`,
    `\\set b random(${half + 1}, ${PRODUCTS})`,
    `\\set customer random(1, ${CUSTOMERS})`,
    '\\set id random(1, 9223372036854775806)',
    `${oneLine(FIND_PRODUCTS, VALUES)};`,
    `${oneLine(PLACE_ORDER, VALUES)};`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
}

function oneLine(sql, values) {
  return sql
    .replace(/\$(\d+)/g, (_, number) => `(${values[number - 1]})`)
    .replace(/\s+/g, ' ')
    .trim();
}

/** Runs the script with `clients` connections; gives how many runs a second. */
export async function runPgbench({ pgbench, url, script, clients, seconds }) {
  const { hostname, port, username, password, pathname } = new URL(url);
  const connection = ['-h', hostname, '-p', port, '-U', decodeURIComponent(username)];
  const load = ['-n', '-M', 'prepared', '-c', clients, '-j', 2, '-T', seconds, '-f', script].map(String);
  const env = { PATH: process.env.PATH, PGPASSWORD: decodeURIComponent(password) };
  const { stdout } = await run(pgbench, [...connection, ...load, pathname.slice(1)], { env });
  const failed = /number of failed transactions: (\d+)/.exec(stdout)?.[1];
  const rate = Number(/tps = ([\d.]+)/.exec(stdout)?.[1]);
  if (failed !== '0' || !(rate > 0)) throw new Error(`pgbench failed:\n${stdout}`);
  return rate;
}
