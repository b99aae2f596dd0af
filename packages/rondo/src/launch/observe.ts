/** What observes a system that is started with --observe: Prometheus and Jaeger, if they are on the PATH. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { codeOf, messageOf } from '../workspace/errors.js';
import { root } from '../workspace/paths.js';
import { type Child, stopChildren } from './child.js';
import { replaceJson } from './data-folder.js';
import type { SystemOptions } from './options.js';
import { isServed, type Listener, metricsAddress, type Planned } from './plan.js';

/** The ports of the pages, relative to the base port. In containers they have the same numbers. */
const OFFSETS = { prometheus: 40, jaeger: 41 } as const;
const ENDPOINT = 'OTEL_EXPORTER_OTLP_ENDPOINT';
/** Where the console links to. */
const DASHBOARDS = 'RONDO_GATEWAY_DASHBOARDS';
/** Where collectors take OTLP over HTTP, unless they are configured otherwise. */
const OTLP_PORT = 4318;

type Observed = Pick<SystemOptions, 'data' | 'portBase'>;

export const observerPorts = ({ portBase }: Observed): readonly Listener[] =>
  Object.entries(OFFSETS).map(([name, offset]) => ({ name, port: portBase + offset }));

const prometheusAddress = ({ portBase }: Observed) => `127.0.0.1:${portBase + OFFSETS.prometheus}`;

const folderOf = ({ data }: Observed): string => path.join(data, 'observe');

/** Tells Prometheus the processes whose metrics it reads. It learns of each change. */
export function writeTargets(options: Observed, planned: readonly Planned[]): void {
  const targets = planned.map((one) => ({
    targets: [metricsAddress(one)],
    labels: { job: one.service, instance: one.name },
  }));
  replaceJson(path.join(folderOf(options), 'targets.json'), targets);
}

interface Surroundings {
  readonly warn: (line: string) => void;
  readonly environment?: NodeJS.ProcessEnv;
}

/** Starts what is on the PATH. */
export async function startObservers(options: Observed, { warn, environment = process.env }: Surroundings) {
  mkdirSync(folderOf(options), { recursive: true });
  writeTargets(options, []);
  const [metrics, traces] = await Promise.all([
    startPrometheus(options, environment),
    startJaeger(options, environment),
  ]);
  const running = [metrics, traces].flatMap(({ program }) => program ?? []);
  let closing = false;
  for (const { name, ended, log } of running)
    void ended.then((how) => closing || warn(`${name} has ended (${how}): see ${log}`));
  return {
    /** Variables of all processes. */
    env: {
      ...(!environment[ENDPOINT] && { [ENDPOINT]: `http://127.0.0.1:${OTLP_PORT}` }),
      ...(metrics.program && !environment[DASHBOARDS] && { [DASHBOARDS]: `http://${prometheusAddress(options)}` }),
    },
    /** Where to look, or what is missing and how to get it. */
    text: [`metrics  ${metrics.text}`, `traces   ${traces.text}`],
    async close(): Promise<void> {
      closing = true;
      await stopChildren(running);
    },
  };
}

interface Program extends Pick<Child, 'name' | 'ended' | 'kill'> {
  readonly log: string;
}

interface Started {
  readonly text: string;
  readonly program?: Program;
}

async function startPrometheus(options: Observed, environment: NodeJS.ProcessEnv): Promise<Started> {
  const folder = folderOf(options);
  const config = path.join(folder, 'prometheus.yml');
  const alerts = path.join(root, 'infra/observe/alerts.yml');
  replaceJson(config, {
    // JSON is YAML.
    global: { scrape_interval: '5s', evaluation_interval: '5s' },
    rule_files: existsSync(alerts) ? [alerts] : [],
    scrape_configs: [{ job_name: 'rondo', file_sd_configs: [{ files: ['targets.json'], refresh_interval: '5s' }] }],
  });
  const listen = prometheusAddress(options);
  const storage = `--storage.tsdb.path=${path.join(folder, 'prometheus')}`;
  const args = [`--config.file=${config}`, storage, `--web.listen-address=${listen}`];
  const program = await start('prometheus', args, { folder, environment });
  return program === undefined
    ? {
        text: `no prometheus is on the PATH (Debian: apt install prometheus; macOS: brew install prometheus): ${config}`,
      }
    : { program, text: `http://${listen} has graphs and alerts` };
}

async function startJaeger(options: Observed, environment: NodeJS.ProcessEnv): Promise<Started> {
  const given = environment[ENDPOINT];
  if (given) return { text: `go where ${ENDPOINT} says` };
  if (await isServed(OTLP_PORT)) return { text: `go to what listens at 127.0.0.1:${OTLP_PORT}` };
  const listen = `127.0.0.1:${options.portBase + OFFSETS.jaeger}`;
  const args = [`--set=extensions.jaeger_query.http.endpoint=${listen}`];
  const program = await start('jaeger', args, { folder: folderOf(options), environment });
  const image = 'docker run --rm -p 127.0.0.1:4318:4318 -p 127.0.0.1:16686:16686 jaegertracing/jaeger';
  return program === undefined
    ? { text: `no jaeger is on the PATH; rondo trace needs none. In a container, at http://127.0.0.1:16686: ${image}` }
    : { program, text: `http://${listen}` };
}

/** Undefined if the program isn't on the PATH. */
async function start(
  name: string,
  args: readonly string[],
  { folder, environment }: { readonly folder: string; readonly environment: NodeJS.ProcessEnv },
): Promise<Program | undefined> {
  const log = path.join(folder, `${name}.log`);
  const output = openSync(log, 'w');
  // It gets no Ctrl-C of the terminal: the launcher stops it last, so that it sees how the services end.
  const child = spawn(name, args, { cwd: folder, env: environment, detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(String(signal ?? code)));
  });
  try {
    await once(child, 'spawn');
    return { name, log, ended, kill: (signal) => void child.kill(signal) };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new Error(`${name} can't be started: ${messageOf(error)}`, { cause: error });
  }
}
