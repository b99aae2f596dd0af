import { hostname, userInfo } from 'node:os';
import { checkSetting, EVERY_SERVICE, SETTING_KEYS } from '@rondo/rpc/internal';
import { type CommandContext, defineActions, type Printed, type Written } from '../command.js';
import { completeService } from '../completion/registered.js';
import { UsageError } from '../errors.js';
import type { Completion } from '../help.js';
import { userIn } from '../launch/security.js';
import { jsonOption, registryOption } from '../options.js';
import { matchService, onSettings, registeredInstances } from '../registry/locate.js';
import { formatTable } from '../terminal/table.js';
import { tableLook } from '../terminal/terminal.js';
import { ageOf, printable } from '../terminal/text.js';

const KEYS = Object.entries(SETTING_KEYS);

export const config = defineActions({
  name: 'config',
  summary:
    'Shows and changes settings while processes run: log level, overload, caches, balancing, breakers, canaries.',
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
  examples: [
    ['config set OrderService canary_percent 20', 'Gives the canaries of the service a fifth of the calls.'],
    ['config set OrderService breaker "on?slow=500ms"', 'Switches a circuit breaker on, in all its clients.'],
    ['config unset OrderService breaker', 'Back to what environments and contracts say.'],
  ],
  usual: 'show',
  actions: {
    show: { args: {}, run: (_, context) => show(context) },
    set: {
      args: { name: '<service>', key: '<key>', value: '<value>' },
      missing: 'write rondo config set SERVICE KEY VALUE, with quotes around a value that has spaces',
      complete,
      async run({ name, key, value }, context) {
        const fault = checkSetting(key, value);
        if (fault !== undefined) throw new UsageError(`${fault.field}: ${fault.description}`);
        const setting = { service: await fullName(name, context), key, value, author: author(context) };
        const { oldValue } = await onSettings(context, (client, options) => client.updateSetting({ setting }, options));
        const before = oldValue === undefined ? 'it had none' : `it was ${printable(oldValue)}`;
        const undo = `To undo it: rondo config unset ${setting.service} ${key}`;
        const note = key === 'weights' ? `Policies that weigh instances go by it: ${policyOf(setting.service)}\n` : '';
        const text = `${setting.service}: ${key} is ${value}; ${before}. ${undo}\n${note}`;
        return { json: { service: setting.service, key, value, oldValue: oldValue ?? null }, text };
      },
    },
    unset: {
      args: { name: '<service>', key: '<key>' },
      missing: 'write rondo config unset SERVICE KEY',
      complete,
      async run({ name, key }, context) {
        const service = await fullName(name, context);
        const change = { service, key, author: author(context) };
        const { oldValue } = await onSettings(context, (client, options) => client.deleteSetting(change, options));
        const text = `${service}: ${key} is unset; it was ${printable(oldValue)}. Environments and contracts hold.\n`;
        return { json: { service, key, value: null, oldValue }, text };
      },
    },
  },
});

const policyOf = (service: string) =>
  `rondo pick ${service === EVERY_SERVICE ? 'SERVICE' : service} shows which one holds.`;

async function complete(written: Written, context: CommandContext): Promise<Completion> {
  if (written.positionals.length === 0) return completeService(written, context);
  return written.positionals.length === 1 ? KEYS.map(([word, { effect: about }]) => ({ word, about })) : [];
}

async function show(context: CommandContext): Promise<Printed> {
  const { settings } = await listSettings(context);
  const rows = settings.map(({ service, key, value = '', author: by, updateTime }) => {
    return [service, key, value, by, ageOf(updateTime, context.clock.now())];
  });
  const table = formatTable([['SERVICE', 'KEY', 'VALUE', 'AUTHOR', 'AGE'], ...rows], tableLook(context.stdout));
  const view = settings.map(({ service, key, value = '', author: by, updateTime = null }) => {
    return { service, key, value, author: by, updateTime };
  });
  const text = settings.length === 0 ? 'No setting: environments and contracts hold.\n' : table;
  return { json: { settings: view }, text };
}

const listSettings = (context: CommandContext) =>
  onSettings(context, (client, options) => client.listSettings({}, options));

/** A name in full, also of a service without instances; a short one is looked up among those registered and set. */
async function fullName(name: string, context: CommandContext): Promise<string> {
  if (name === EVERY_SERVICE) return name;
  const { instances } = await registeredInstances(context);
  const { settings } = await listSettings(context);
  const known = new Set([...instances.flatMap(({ services }) => services), ...settings.map(({ service }) => service)]);
  const found = matchService(name, [...known]) ?? (name.includes('.') ? name : undefined);
  if (found !== undefined) return found;
  throw new UsageError(
    `no service ${name} is registered; write it in full, such as sales.v1.OrderService, or * for every one`,
  );
}

/** `user@host`, for the registry's log. */
const author = ({ environment }: CommandContext): string => `${userName(environment)}@${hostname()}`.slice(0, 128);

function userName(environment: CommandContext['environment']): string {
  try {
    return userInfo().username;
  } catch {
    return userIn(environment); // a user without an entry, as in a container
  }
}
