import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { lifeUsed } from '@rondo/rpc/internal';
import { type CommandContext, defineCommand } from '../command.js';
import {
  type Finding,
  fail,
  formatFinding,
  isHealthy,
  note,
  type Outcome,
  ok,
  type State,
  warn,
} from '../doctor/finding.js';
import { examineRunning } from '../doctor/running.js';
import { ExitCode } from '../exit-code.js';
import { dataOption, jsonOption, registryOption } from '../options.js';
import { ForeignRegistry, registryAddresses } from '../registry/locate.js';
import { createPaint, type Style } from '../terminal/terminal.js';
import { printable } from '../terminal/text.js';
import { messageOf } from '../workspace/errors.js';

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'Looks for faults of the machine, the workspace and the running system, and says what to do.',
  details: [
    'It changes nothing. It prints a line for each check: ok; note (no fault, such as that no system runs); warn (it works for',
    'now); FAIL. The text after → is the remedy. In an image, which has no workspace, it examines the running system only; in a',
    "clone that isn't built, what can be found without a build.",
  ].join('\n'),
  options: { ...dataOption, ...registryOption, ...jsonOption },
  args: {},
  examples: [
    ['doctor', 'All checks, in a few seconds.'],
    [`doctor --json | jq '.findings[] | select(.state == "fail")'`, 'The faults, for a script.'],
  ],
  exitCodes: { OK: 'No check fails; there may be warnings.', FAILED: 'A check fails: each line says what to do.' },
  async run({ data }, context) {
    const findings: Finding[] = [];
    const paint = createPaint(context.stdout.color);
    const dataFlag = data === undefined ? '' : ` --data ${context.dataDirectory}`;
    for await (const finding of examine(dataFlag, context)) {
      if (context.signal.aborted) return ExitCode.INTERRUPTED;
      findings.push(finding);
      const { detail, remedy } = finding;
      const shown = { ...finding, detail: printable(detail), remedy: remedy && printable(remedy) };
      const text = formatFinding(shown, (state, label) => paint(STYLES[state], label));
      if (!context.json) await context.stdout.write(text);
    }
    const healthy = isHealthy(findings);
    const count = (of: State) => findings.filter(({ state }) => state === of).length;
    const faults = healthy ? 'Nothing fails' : `${count('fail')} of ${findings.length} fail`;
    const warnings = count('warn') === 0 ? '' : `; ${count('warn')} to be warned of`;
    return { json: { healthy, findings }, text: `\n${faults}${warnings}.\n`, failed: !healthy };
  },
});

/** The clone first, then the running system: the clone's checks block this process, and a connection must be made in time. */
async function* examine(dataFlag: string, context: CommandContext): AsyncIterable<Finding> {
  const { environment, registry, dataDirectory: data } = context;
  const addresses = await registryAddresses(context).catch((error) => {
    if (error instanceof ForeignRegistry) return error;
    throw error;
  });
  const clone = await context.doctor();
  if (clone !== undefined) yield* clone.examineRepository({ data, environment });
  yield* examineCertificates(data, context.wallClock.now(), dataFlag);
  if (addresses instanceof ForeignRegistry) {
    yield { name: 'registry', ...note(addresses.message) };
    return;
  }
  const named = registry !== undefined || (environment['RONDO_REGISTRY'] ?? '') !== '';
  const running = named ? undefined : await clone?.runningSystem(data);
  if (running === undefined) {
    const logOf = (instance = 'each') => `see the log of ${instance}; in containers: docker compose logs`;
    // An image is part of a system.
    yield* await examineRunning({ addresses, required: named || clone === undefined, logOf }, context);
    return;
  }
  const logOf = (instance?: string) => `./rondo logs${instance === undefined ? '' : ` ${instance}`}${dataFlag}`;
  const remedy = `${logOf('registry')}; then stop the system and start it again`;
  const expected = { addresses: [running.registry], required: true, processes: running.instances, logOf, remedy };
  yield* await examineRunning(expected, context);
}

const STYLES: Readonly<Record<State, Style>> = { ok: 'green', note: 'cyan', warn: 'yellow', fail: 'red' };

/** From this part of its life on, a certificate is due for renewal. */
const RENEW_AFTER = 2 / 3;

/** Examines the certificates that `rondo certs` has made in a data folder; nothing if there are none. */
export function examineCertificates(data: string, now: Date, dataFlag = ''): readonly Finding[] {
  const folder = path.join(data, 'certs');
  const files = existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name, 'tls.crt')) : [];
  const found = files.filter((file) => existsSync(file));
  return found.length === 0 ? [] : [{ name: 'certificates', ...judge(found, now, `./rondo certs${dataFlag}`) }];
}

function judge(files: readonly string[], now: Date, remedy: string): Outcome {
  const [expired, due]: [string[], string[]] = [[], []];
  let next: Date | undefined;
  for (const file of files) {
    try {
      const certificate = new X509Certificate(readFileSync(file));
      const [validFrom, validTo] = [new Date(certificate.validFrom), new Date(certificate.validTo)];
      if (validTo <= now) expired.push(`${file} has expired on ${validTo.toISOString()}`);
      else if (lifeUsed({ validFrom, validTo }, now) >= RENEW_AFTER)
        due.push(`${file} expires on ${validTo.toISOString()}`);
      if (next === undefined || validTo < next) next = validTo;
    } catch (error) {
      expired.push(`${file} can't be read: ${messageOf(error)}`);
    }
  }
  if (expired.length > 0) return fail(expired.join('; '), remedy);
  if (due.length > 0) return warn(due.join('; '), remedy);
  return ok(`${files.length} of rondo certs, the next expires on ${next?.toISOString()}`);
}
