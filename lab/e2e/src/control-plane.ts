import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { eventually, freePort, type RunningProcess, root, start, startEtcd } from '@rondo/harness';

const BUILT = join(root, 'lab/kubernetes/.build');

/** Why there is no control plane here; undefined if there is one. */
export const noControlPlane = !existsSync(join(BUILT, 'built'))
  ? 'no control plane is built (sh lab/kubernetes/build.sh)'
  : ['etcd', 'kubectl'].find((program) => spawnSync(program, ['--help']).error !== undefined);

/** The address of this machine that isn't its loopback: EndpointSlices refuse that one. */
export const ownAddress = Object.values(networkInterfaces())
  .flatMap((infos) => infos ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

/** How a control plane is started. */
interface ControlPlaneOptions {
  /** Where the API server and etcd listen: the loopback by default. */
  readonly address?: string;
  /** How many members etcd has: one by default. */
  readonly members?: number;
  /** Whether the controllers and the scheduler run, too. */
  readonly controllers?: boolean;
}

/** The API server of Kubernetes over an etcd. */
export type ControlPlane = Awaited<ReturnType<typeof startControlPlane>>;

const TOKENS = { admin: 'admin-token', service: 'service-token' } as const;

/** Starts an etcd and an API server. `service` is a user without rights, until a role gives it some. */
export async function startControlPlane(options: ControlPlaneOptions = {}) {
  const { address = '127.0.0.1', members = 1, controllers = false } = options;
  const data = mkdtempSync(join(tmpdir(), 'rondo-kubernetes-'));
  const port = await freePort();
  const files = writeFiles(data, `https://${address}:${port}`);
  const etcd = await startEtcd(join(data, 'etcd'), { host: address, members });
  const server = `https://${address}:${port}`;
  const caFile = join(data, 'certs/apiserver.crt');
  const access = ['--server', server, '--certificate-authority', caFile, '--token', TOKENS.admin];
  /** Runs kubectl as the administrator. @throws Error with what it prints if it fails. */
  const kubectl = (args: readonly string[], input = '') => {
    const { status, stdout, stderr } = spawnSync('kubectl', [...access, ...args], {
      input,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
      cwd: root,
    });
    if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  /** The same while this process goes on. */
  const kubectlAsync = async (args: readonly string[]) => {
    const { code, stdout, stderr } = await start('kubectl', [...access, ...args]).ended;
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  let api: RunningProcess;
  const restart = async () => {
    api = start(join(BUILT, 'kube-apiserver'), [
      ...[`--etcd-servers=${etcd.urls}`, `--secure-port=${port}`, `--bind-address=${address}`],
      ...[`--cert-dir=${join(data, 'certs')}`, `--token-auth-file=${files.tokens}`, '--authorization-mode=RBAC'],
      ...['--service-account-issuer=https://kubernetes.default.svc', `--service-account-key-file=${files.key}`],
      ...[`--service-account-signing-key-file=${files.key}`, '--service-cluster-ip-range=10.96.0.0/16'],
      ...(controllers
        ? ['not-ready', 'unreachable'].map((taint) => `--default-${taint}-toleration-seconds=5`)
        : ['--disable-admission-plugins=ServiceAccount']),
    ]);
    await eventually(async () => {
      if (api.hasEnded) throw new Error(api.output().stderr.slice(-2_000));
      await kubectlAsync(['get', '--raw', '/readyz']);
    });
  };
  await restart();
  const others = controllers ? startControllers(files, caFile) : [];
  return {
    etcd,
    /** How the administrator calls the API server: the token, and the file of its certificate. */
    access: { server, token: TOKENS.admin, caFile },
    /** The URL of `RONDO_REGISTRY` for a namespace, with the rights of a service. */
    registry: (namespace: string) =>
      `kubernetes://${namespace}?server=${server}&token-file=${files.token}&ca-file=${caFile}`,
    kubectl,
    kubectlAsync,
    /** Starts the API server again at the same address. */
    restart,
    /** Ends the API server at once. */
    kill: async () => void (await api.stop('SIGKILL')),
    async stop() {
      await Promise.all([...others, api].map((one) => one.stop('SIGKILL')));
      await etcd.stop();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** The keys and tokens of a cluster, and how its own programs call the API server. */
function writeFiles(data: string, server: string) {
  const file = (name: string) => join(data, name);
  const files = { key: file('sa.key'), tokens: file('tokens.csv'), token: file('token'), config: file('config.json') };
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(files.key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(files.tokens, `${TOKENS.admin},admin,admin,system:masters\n${TOKENS.service},service,service\n`);
  writeFileSync(files.token, TOKENS.service);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'admin',
    clusters: [{ name: 'lab', cluster: { server, 'certificate-authority': file('certs/apiserver.crt') } }],
    users: [{ name: 'admin', user: { token: TOKENS.admin } }],
    contexts: [{ name: 'admin', context: { cluster: 'lab', user: 'admin' } }],
  };
  writeFileSync(files.config, JSON.stringify(config));
  return files;
}

/** The controllers notice a lost node within ten seconds. Nothing measures load, so the autoscaler is left out. */
function startControllers({ key, config }: ReturnType<typeof writeFiles>, caFile: string): RunningProcess[] {
  const common = [`--kubeconfig=${config}`, '--leader-elect=false', '--secure-port=0', '--kube-api-qps=100'];
  const manager = [
    ...['--controllers=*,-horizontal-pod-autoscaler-controller', `--service-account-private-key-file=${key}`],
    ...[`--root-ca-file=${caFile}`, '--node-monitor-period=1s', '--node-monitor-grace-period=8s'],
  ];
  return [
    start(join(BUILT, 'kube-controller-manager'), [...common, ...manager]),
    start(join(BUILT, 'kube-scheduler'), common),
  ];
}

/** What `kubectl kustomize` makes of a folder. */
export function kustomize(folder: string): string {
  const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', join(root, folder)], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** What it makes of the base with a component, in the namespace of the overlays. */
export function kustomizeWith(component: string): string {
  const folder = mkdtempSync(join(root, 'infra/kubernetes/overlays/.with-'));
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    namespace: 'rondo',
    resources: ['../../base'],
    components: [`../../components/${component}`],
  };
  try {
    writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
    return kustomize(relative(root, folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The role and its binding that `rondo kubernetes` writes, bound to the user `service`. */
export function discoveryFor(namespace: string): string {
  const [role = '', binding = ''] = readFileSync(join(root, 'infra/kubernetes/base/discovery.yaml'), 'utf8').split(
    '---\n',
  );
  const [head = ''] = binding.split('subjects:');
  const bound = `${head}subjects:\n  - { kind: User, name: service, apiGroup: rbac.authorization.k8s.io }\n`;
  return [role, bound].join('---\n').replaceAll(/^metadata:$/gm, `metadata:\n  namespace: ${namespace}`);
}
