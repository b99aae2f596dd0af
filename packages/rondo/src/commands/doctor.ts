import { type CommandContext, defineCommand } from '../command.js';
import { examineCertificates } from '../doctor/certificates.js';
import type { RepositoryDoctor } from '../doctor/finding.js';
import { type Finding, formatFinding, isHealthy, note, type State } from '../doctor/finding.js';
import { type Expected, examineRunning } from '../doctor/running.js';
import { ExitCode } from '../exit-code.js';
import { dataDirectoryOf, dataFlag, dataOption, jsonOption, registryOption } from '../options.js';
import { ForeignRegistry, registryAddresses } from '../registry/locate.js';
import { createPaint, type Paint, type Style } from '../terminal/terminal.js';
import { printable } from '../terminal/text.js';

/** `rondo doctor`: faults of the machine, the clone and the running system, each with its remedy. */
export const doctor = defineCommand({
  name: 'doctor',
  summary: 'Looks for faults of the machine, the workspace and the running system, and says what to do.',
  usage: '[--data DIR] [--registry HOST:PORT] [--json]',
  details: [
    'It changes nothing. It prints a line for each check: ok; note (no fault, such as that no system runs); warn (it works',
    'for now); FAIL. The text after → is the remedy. In an image, which has no workspace, it examines the running system',
    'only.',
    '',
    '--json prints {"healthy":…,"findings":[{"name":…,"state":…,"detail":…,"remedy":…}]}. state is ok, note, warn or fail;',
    "healthy is false if one is fail; remedy is missing if there is nothing to do. In a clone that isn't built, ./rondo",
    'doctor tells what can be found without a build; it needs the packages, so it installs them in an empty clone.',
  ].join('\n'),
  options: {
    ...dataOption,
    ...registryOption,
    ...jsonOption,
  },
  maxPositionals: 0,
  examples: [
    ['doctor', 'All checks, in a few seconds.'],
    ['doctor --data /tmp/second', 'Includes the system that keeps its data there.'],
    [`doctor --json | jq '.findings[] | select(.state == "fail")'`, 'The faults, for a script.'],
  ],
  exitCodes: { OK: 'No check fails; there may be warnings.', FAILED: 'A check fails: each line says what to do.' },
  async run({ values }, context) {
    const data = dataDirectoryOf(values.data, context);
    const addresses = await registryAddresses(values.registry, { ...context, dataDirectory: data }).catch((error) => {
      if (error instanceof ForeignRegistry) return error;
      throw error;
    });
    const findings: Finding[] = [];
    const paint = createPaint(context.stdout.color);
    for await (const finding of examine({ data, registry: values.registry, addresses }, context)) {
      if (context.signal.aborted) return ExitCode.INTERRUPTED;
      findings.push(finding);
      if (!values.json) await context.stdout.write(toText(finding, paint));
    }
    const healthy = isHealthy(findings);
    return { json: { healthy, findings }, text: `\n${count(findings)}\n`, failed: !healthy };
  },
});

interface Target {
  readonly data: string;
  readonly registry: string | undefined;
  /** The registry's addresses, or that there is none of this workspace. */
  readonly addresses: readonly string[] | ForeignRegistry;
}

/** The clone first, then the running system: the clone's checks block this process, and a connection must be made in time. */
async function* examine(target: Target, context: CommandContext): AsyncIterable<Finding> {
  const { environment } = context;
  const { addresses } = target;
  const clone = await context.doctor();
  if (clone !== undefined) yield* clone.examineRepository({ data: target.data, environment });
  yield* examineCertificates(target.data, context.wallClock.now(), dataFlag(target.data, context));
  if (addresses instanceof ForeignRegistry) yield { name: 'registry', ...note(addresses.message) };
  else yield* await examineRunning(await expectedSystem({ ...target, addresses }, context, clone), context);
}

/** A system must run if the user named its registry, if its processes run, or if this is an image, which is part of one. */
async function expectedSystem(
  { data, registry, addresses }: Target & { readonly addresses: readonly string[] },
  context: CommandContext,
  clone: RepositoryDoctor | undefined,
): Promise<Expected> {
  const { environment } = context;
  const named = registry !== undefined || (environment['RONDO_REGISTRY'] ?? '') !== '';
  const running = named ? undefined : await clone?.runningRegistry(data);
  if (running === undefined) {
    const logOf = (instance = 'each') => `see the log of ${instance}; in containers: docker compose logs`;
    return { addresses, required: named || clone === undefined, logOf };
  }
  const logOf = (instance?: string) =>
    `./rondo logs${instance === undefined ? '' : ` ${instance}`}${dataFlag(data, context)}`;
  const remedy = `${logOf('registry')}; then stop the system and start it again`;
  return { addresses: [running], required: true, logOf, remedy };
}

const STYLES: Readonly<Record<State, Style>> = { ok: 'green', note: 'cyan', warn: 'yellow', fail: 'red' };

function toText({ name, state, detail, remedy }: Finding, paint: Paint): string {
  const shown = {
    name,
    state,
    detail: printable(detail),
    remedy: remedy === undefined ? undefined : printable(remedy),
  };
  return formatFinding(shown, (of, label) => paint(STYLES[of], label));
}

function count(findings: readonly Finding[]): string {
  const of = (state: State) => findings.filter((finding) => finding.state === state).length;
  const [failed, warnings] = [of('fail'), of('warn')];
  const faults = failed === 0 ? 'Nothing fails' : `${failed} of ${findings.length} fail`;
  return warnings === 0 ? `${faults}.` : `${faults}; ${warnings} to be warned of.`;
}
