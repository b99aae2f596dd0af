import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, freePort, type RunningProcess, root, start } from '@rondo/harness';

const API_SERVER = join(root, 'lab/kubernetes/.build/kube-apiserver');

/** Why there is no API server here; undefined if there is one. */
export const noControlPlane = !existsSync(API_SERVER)
  ? 'no API server is built (sh lab/kubernetes/build.sh)'
  : ['etcd', 'kubectl'].find((program) => spawnSync(program, ['--help']).error !== undefined);

/** The address of this machine that isn't its loopback: EndpointSlices refuse that one. */
export const ownAddress = Object.values(networkInterfaces())
  .flatMap((infos) => infos ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

/** The API server of Kubernetes over an etcd. */
export interface ControlPlane {
  /** The URL of `RONDO_REGISTRY` for a namespace, with the rights of a service. */
  registry(namespace: string): string;
  /** Runs kubectl as the administrator. @throws Error with what it prints if it fails. */
  kubectl(args: readonly string[], input?: string): string;
  /** Ends the API server at once. */
  kill(): Promise<void>;
  /** Starts it again at the same address. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const TOKENS = { admin: 'admin-token', service: 'service-token' } as const;

/** Starts an etcd and an API server. `service` is a user without rights, until a role gives it some. */
export async function startControlPlane(): Promise<ControlPlane> {
  const data = mkdtempSync(join(tmpdir(), 'rondo-kubernetes-'));
  const [client, peer] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
  const port = await freePort();
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const files = { key: join(data, 'sa.key'), tokens: join(data, 'tokens.csv'), token: join(data, 'token') };
  writeFileSync(files.key, keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(files.tokens, `${TOKENS.admin},admin,admin,system:masters\n${TOKENS.service},service,service\n`);
  writeFileSync(files.token, TOKENS.service);
  const etcd = start('etcd', [
    ...[`--data-dir=${join(data, 'etcd')}`, `--listen-client-urls=${client}`, `--advertise-client-urls=${client}`],
    ...[`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`, `--initial-cluster=default=${peer}`],
  ]);
  const server = `https://127.0.0.1:${port}`;
  const access = ['--server', server, '--certificate-authority', join(data, 'certs/apiserver.crt'), '--token'];
  const kubectl = (args: readonly string[], input = '') => {
    const { status, stdout, stderr } = spawnSync('kubectl', [...access, TOKENS.admin, ...args], {
      ...{ input, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, cwd: root },
    });
    if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  let api: RunningProcess;
  const restart = async () => {
    api = start(API_SERVER, [
      ...[`--etcd-servers=${client}`, `--secure-port=${port}`, '--bind-address=127.0.0.1'],
      ...[`--cert-dir=${join(data, 'certs')}`, `--token-auth-file=${files.tokens}`, '--authorization-mode=RBAC'],
      ...['--service-account-issuer=https://kubernetes.default.svc', `--service-account-key-file=${files.key}`],
      ...[`--service-account-signing-key-file=${files.key}`, '--service-cluster-ip-range=10.96.0.0/16'],
      '--disable-admission-plugins=ServiceAccount',
    ]);
    await eventually(() => {
      if (api.hasEnded) throw new Error(api.output().stderr.slice(-2_000));
      kubectl(['get', '--raw', '/readyz']);
    });
  };
  await restart();
  return {
    registry: (namespace) =>
      `kubernetes://${namespace}?server=${server}&token-file=${files.token}&ca-file=${join(data, 'certs/apiserver.crt')}`,
    kubectl,
    restart,
    kill: async () => void (await api.stop('SIGKILL')),
    async stop() {
      await api.stop();
      await etcd.stop();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** What `kubectl kustomize` makes of a folder. */
export function kustomize(folder: string): string {
  const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', join(root, folder)], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** The role and its binding that `rondo kubernetes` writes, bound to the user of {@link ControlPlane.registry}. */
export function discoveryFor(namespace: string): string {
  const [role = '', binding = ''] = readFileSync(join(root, 'infra/kubernetes/base/discovery.yaml'), 'utf8').split(
    '---\n',
  );
  const [head = ''] = binding.split('subjects:');
  const bound = `${head}subjects:\n  - { kind: User, name: service, apiGroup: rbac.authorization.k8s.io }\n`;
  return [role, bound].join('---\n').replaceAll(/^metadata:$/gm, `metadata:\n  namespace: ${namespace}`);
}
