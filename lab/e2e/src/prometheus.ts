import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, freePort, type RunningProcess, root, type System, start } from '@rondo/harness';

/** Why the programs can't be run here; undefined if they can. */
export const noPrometheus = ['prometheus', 'promtool', 'prometheus-node-exporter'].some(
  (program) => spawnSync(program, ['--version']).error !== undefined,
)
  ? 'no Prometheus is installed (Debian: prometheus, prometheus-node-exporter)'
  : undefined;

/** One series of an answer: its labels, and its value now. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [seconds: number, value: string];
}

/** A Prometheus that reads the metrics of processes each second, with the alerts of `infra/observe`. */
export interface Prometheus {
  /** The series that an expression has now. @throws Error with what Prometheus says of an expression that is wrong. */
  query(expression: string): Promise<readonly Sample[]>;
  stop(): Promise<void>;
}

/** What is read: the addresses of each job, as `host:port`. */
export type Targets = Readonly<Record<string, readonly string[]>>;

/** The processes of a system that serves metrics, by their services. */
export function targetsOf({ banner }: System): Targets {
  const targets: Record<string, string[]> = {};
  for (const [, name = '', address = ''] of banner.matchAll(/^ +(\S+?)(?:-\d+)? +http:\/\/(\S+)\/metrics$/gm)) {
    targets[name] ??= [];
    targets[name].push(address);
  }
  return targets;
}

/** Starts it, with a node exporter for the disk that holds `folder`. */
export async function startPrometheus(targets: Targets, folder: string): Promise<Prometheus> {
  const data = mkdtempSync(join(tmpdir(), 'rondo-prometheus-'));
  const [port, disk] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const jobs = Object.entries(targets).map(([job, addresses]) => ({
    job_name: job,
    static_configs: [{ targets: addresses }],
  }));
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [join(root, 'infra/observe/alerts.yml')],
    scrape_configs: [...jobs, { job_name: 'postgresql-disk', static_configs: [{ targets: [disk] }], ...only(folder) }],
  };
  writeFileSync(join(data, 'prometheus.yml'), JSON.stringify(config)); // JSON is YAML.
  const storage = [`--config.file=${join(data, 'prometheus.yml')}`, `--storage.tsdb.path=${join(data, 'tsdb')}`];
  const collectors = [
    '--collector.disable-defaults',
    '--collector.filesystem',
    '--collector.filesystem.mount-points-exclude=^$',
  ];
  const started: RunningProcess[] = [
    start('prometheus', [...storage, `--web.listen-address=${port}`]),
    start('prometheus-node-exporter', [...collectors, `--web.listen-address=${disk}`]),
  ];
  await eventually(async () => {
    if (!(await fetch(`http://${port}/-/ready`)).ok) throw new Error('not ready');
  });
  return {
    query: prometheusAt(port),
    async stop() {
      await Promise.all(started.map((one) => one.stop()));
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** Asks the Prometheus at an address. */
export const prometheusAt =
  (address: string) =>
  async (expression: string): Promise<readonly Sample[]> => {
    const answer = await fetch(`http://${address}/api/v1/query?query=${encodeURIComponent(expression)}`);
    const { data: found, error } = (await answer.json()) as { data?: { result: Sample[] }; error?: string };
    if (found === undefined) throw new Error(`${error}: ${expression}`);
    return found.result;
  };

/** Keeps the series of the file system that holds `folder`. */
function only(folder: string) {
  const { stdout } = spawnSync('stat', ['--format=%m', folder], { encoding: 'utf8' });
  return { metric_relabel_configs: [{ source_labels: ['mountpoint'], regex: stdout.trim(), action: 'keep' }] };
}
