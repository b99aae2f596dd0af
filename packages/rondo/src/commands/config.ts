import { hostname, userInfo } from 'node:os';
import type { Setting } from '@rondo/contracts/rondo/registry/v1/settings';
import { listInstances } from '@rondo/operate/internal';
import { checkSetting, EVERY_SERVICE, SETTING_KEYS } from '@rondo/rpc/internal';
import { type CommandContext, defineCommand, type Printed } from '../command.js';
import { completeService } from '../completion/registered.js';
import { UsageError } from '../errors.js';
import { jsonOption, registryOption } from '../options.js';
import { registryAddresses, withRegistry } from '../registry/locate.js';
import { matchService } from '../registry/service-name.js';
import { withSettings } from '../registry/settings.js';
import { formatTable } from '../terminal/table.js';
import { tableLook } from '../terminal/terminal.js';
import { formatAge, printable } from '../terminal/text.js';

const KEYS = Object.entries(SETTING_KEYS);
const ACTIONS = ['set', 'unset'] as const;

/** `rondo config`: shows and changes the live settings of services. */
export const config = defineCommand({
  name: 'config',
  summary:
    'Shows and changes settings while processes run: log level, overload, caches, balancing, breakers, canaries.',
  usage: '[set <service> <key> <value> | unset <service> <key>] [--json]',
  details: [
    'A setting overrides environments and contracts in all processes, within a second, until it is unset. The registry keeps it',
    'and logs who has changed what. A process that has no registry keeps the settings that it knows, and restores them to a',
    'registry that has lost them. A service may be shortened if it stays unique; * stands for every service that has no such',
    'setting of its own, except for canary_percent.',
    '',
    ...KEYS.flatMap(([key, { effect, rule, example }]) => [
      `${key.padEnd(16)}${effect}.`,
      `${''.padEnd(16)}Values: ${rule};`,
      `${''.padEnd(16)}such as ${example}.`,
    ]),
  ].join('\n'),
  options: { ...registryOption, ...jsonOption },
  maxPositionals: 4,
  examples: [
    ['config', 'All settings, with their authors and ages.'],
    ['config set CalculatorService log_level debug', 'Logs every call, in each instance of the service.'],
    ['config set OrderService canary_percent 20', 'Gives the canaries of the service a fifth of the calls.'],
    ['config set OrderService breaker "on?slow=500ms"', 'Switches a circuit breaker on, in all its clients.'],
    ['config unset OrderService breaker', 'Back to what environments and contracts say.'],
  ],
  complete: async (written, context) => {
    const { positionals } = written;
    if (positionals.length === 0) return ACTIONS.map((word) => ({ word }));
    if (positionals.length === 1) return completeService(written, context);
    return positionals.length === 2 ? KEYS.map(([word, { effect: about }]) => ({ word, about })) : [];
  },
  async run({ values, positionals: [action, ...rest] }, context) {
    const registry = await registryAddresses(values.registry, context);
    if (action === undefined) return show(registry, context);
    const [name, key, value, surplus] = rest;
    if (action !== 'set' && action !== 'unset') {
      throw new UsageError(`there is no rondo config ${action}; there are rondo config, config set and config unset`);
    }
    if (name === undefined || key === undefined) throw new UsageError(`write rondo config ${action} SERVICE KEY`);
    if (action === 'unset') {
      if (value !== undefined) throw new UsageError('unset takes no value: write rondo config unset SERVICE KEY');
      return unset({ registry, name, key }, context);
    }
    if (value === undefined || surplus !== undefined) {
      throw new UsageError('write rondo config set SERVICE KEY VALUE, with quotes around a value that has spaces');
    }
    const fault = checkSetting(key, value);
    if (fault !== undefined) throw new UsageError(`${fault.field}: ${fault.description}`);
    return set({ registry, name, key }, value, context);
  },
});

/** Which setting is changed, and where. */
interface Change {
  readonly registry: readonly string[];
  /** The service as it was written. */
  readonly name: string;
  readonly key: string;
}

async function show(registry: readonly string[], { stdout, clock, signal }: CommandContext): Promise<Printed> {
  const { settings } = await withSettings(registry, (client) => client.listSettings({}, { signal }));
  const rows = settings.map(({ service, key, value = '', author, updateTime }) => {
    const age = updateTime === undefined ? '-' : formatAge(clock.now() - updateTime.getTime());
    return [service, key, value, author, age].map(printable);
  });
  const table = formatTable([['SERVICE', 'KEY', 'VALUE', 'AUTHOR', 'AGE'], ...rows], tableLook(stdout));
  const text = settings.length === 0 ? 'No setting: environments and contracts hold.\n' : table;
  return { json: { settings: settings.map(view) }, text };
}

async function set({ registry, name, key }: Change, value: string, context: CommandContext): Promise<Printed> {
  const { signal } = context;
  const service = await fullName(name, registry, context);
  const setting = { service, key, value, author: author(context) };
  const { oldValue } = await withSettings(registry, (client) => client.updateSetting({ setting }, { signal }));
  const before = oldValue === undefined ? 'it had none' : `it was ${printable(oldValue)}`;
  const undo = `To undo it: rondo config unset ${service} ${key}`;
  const text = `${service}: ${key} is ${value}; ${before}. ${undo}\n`;
  return { json: { service, key, value, oldValue: oldValue ?? null }, text };
}

async function unset({ registry, name, key }: Change, context: CommandContext): Promise<Printed> {
  const { signal } = context;
  const service = await fullName(name, registry, context);
  const change = { service, key, author: author(context) };
  const { oldValue } = await withSettings(registry, (client) => client.deleteSetting(change, { signal }));
  const text = `${service}: ${key} is unset; it was ${printable(oldValue)}. Environments and contracts hold.\n`;
  return { json: { service, key, value: null, oldValue }, text };
}

/** A name in full, also of a service without instances; a short one is looked up among those registered and set. */
async function fullName(name: string, registry: readonly string[], { signal }: CommandContext): Promise<string> {
  if (name === EVERY_SERVICE) return name;
  const { instances } = await withRegistry(registry, (connection) => listInstances(connection, { signal }));
  const { settings } = await withSettings(registry, (client) => client.listSettings({}, { signal }));
  const known = new Set([...instances.flatMap(({ services }) => services), ...settings.map(({ service }) => service)]);
  const found = matchService(name, [...known]) ?? (name.includes('.') ? name : undefined);
  if (found !== undefined) return found;
  throw new UsageError(
    `no service ${name} is registered; write it in full, such as sales.v1.OrderService, or * for every one`,
  );
}

function view({ service, key, value = '', author: by, updateTime }: Setting) {
  return { service, key, value, author: by, updateTime: updateTime?.toISOString() ?? null };
}

/** `user@host`, for the registry's log. */
function author({ environment }: CommandContext): string {
  return `${userName(environment)}@${hostname()}`.slice(0, 128);
}

function userName(environment: CommandContext['environment']): string {
  try {
    return userInfo().username;
  } catch {
    return environment['USER'] ?? ''; // a user without an entry, as in a container
  }
}
