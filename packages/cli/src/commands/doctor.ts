import { type CommandContext, defineCommand } from '../command.js';
import { type Expected, examineRunning } from '../doctor/running.js';
import { type Finding, type State, loadRepositoryDoctor, type RepositoryDoctor } from '../doctor/repository.js';
import { ExitCode } from '../exit-code.js';
import { dataDirectoryOf, dataOption, jsonOption, registryAddresses, registryOption } from '../options.js';
import { createPaint, type Paint, type Style } from '../terminal/terminal.js';
import { printable } from '../terminal/text.js';

/** `rondo doctor`: what is wrong here, and what to do about it. */
export const doctor = defineCommand({
  name: 'doctor',
  summary: 'Looks for what is wrong with machine, clone and running system, and says what to do.',
  usage: '[--data DIR] [--registry HOST:PORT] [--json]',
  details: [
    'It changes nothing. A line each: ok; note, which is no fault, such as a system that does not run; warn, which works for',
    'now; FAIL. What follows → is the remedy. In an image, which holds no repository, it looks at what runs alone.',
  ].join('\n'),
  options: {
    ...dataOption,
    ...registryOption,
    ...jsonOption,
  },
  maxPositionals: 0,
  examples: [
    ['doctor', 'All of it, in a few seconds.'],
    ['doctor --data /tmp/second', 'With the system that keeps its data there.'],
    [`doctor --json | jq '.findings[] | select(.state == "fail")'`, 'The faults, for a script.'],
  ],
  exitCodes: { OK: 'Nothing fails; there may be warnings.', FAILED: 'Something fails: each line says what to do.' },
  async run({ values }, context) {
    const data = dataDirectoryOf(values.data, context);
    const addresses = registryAddresses(values.registry, context.environment);
    const findings: Finding[] = [];
    const paint = createPaint(context.stdout.color);
    for await (const finding of examine({ data, registry: values.registry, addresses }, context)) {
      if (context.signal.aborted) return ExitCode.INTERRUPTED;
      findings.push(finding);
      if (!values.json) await context.stdout.write(toText(finding, paint));
    }
    const healthy = findings.every(({ state }) => state !== 'fail');
    await context.stdout.write(values.json ? `${JSON.stringify({ healthy, findings })}\n` : `\n${count(findings)}\n`);
    return healthy ? ExitCode.OK : ExitCode.FAILED;
  },
});

interface Subject {
  readonly data: string;
  readonly registry: string | undefined;
  /** Where the registry is if no system runs on `data`. */
  readonly addresses: readonly string[];
}

/** One half after the other: a connection has little time, and the first keeps this process, and the machine, busy. */
async function* examine(subject: Subject, context: CommandContext): AsyncIterable<Finding> {
  const { environment, repository } = context;
  const clone = await loadRepositoryDoctor(repository);
  if (clone !== undefined) yield* clone.examine({ data: subject.data, environment });
  yield* await examineRunning(await expectedSystem(subject, context, clone), context);
}

/** A system must be there that somebody named, that has processes, or that an image is a part of. */
async function expectedSystem(
  { data, registry, addresses }: Subject,
  { environment, dataDirectory }: CommandContext,
  clone: RepositoryDoctor | undefined,
): Promise<Expected> {
  const named = registry !== undefined || (environment['RONDO_REGISTRY'] ?? '') !== '';
  const running = named ? undefined : await clone?.runningRegistry(data);
  if (running === undefined) {
    const logOf = (instance: string) => `see the log of ${instance}; in containers: docker compose logs`;
    return { addresses, required: named || clone === undefined, logOf };
  }
  const logOf = (instance: string) => `./rondo logs ${instance}${data === dataDirectory ? '' : ` --data ${data}`}`;
  const remedy = `${logOf('registry')}; then stop the system and start it again`;
  return { addresses: [running], required: true, logOf, remedy };
}

const MARKS: Readonly<Record<State, readonly [text: string, style: Style]>> = {
  ok: ['ok  ', 'green'],
  note: ['note', 'cyan'],
  warn: ['warn', 'yellow'],
  fail: ['FAIL', 'red'],
};
const NAME_WIDTH = 'generated code'.length;

function toText({ name, state, detail, remedy }: Finding, paint: Paint): string {
  const [mark, style] = MARKS[state];
  const line = `${paint(style, mark)}  ${name.padEnd(NAME_WIDTH)}  ${printable(detail)}\n`;
  return remedy === undefined ? line : `${line}      → ${printable(remedy)}\n`;
}

function count(findings: readonly Finding[]): string {
  const of = (state: State) => findings.filter((finding) => finding.state === state).length;
  const [failed, warnings] = [of('fail'), of('warn')];
  const faults = failed === 0 ? 'Nothing fails' : `${failed} of ${findings.length} fail`;
  return warnings === 0 ? `${faults}.` : `${faults}; ${warnings} to be warned of.`;
}
