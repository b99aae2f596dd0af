import { chmodSync, copyFileSync, cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root, start } from '@rondo/harness';
import type { Clone } from '../e2e/src/repository.js';

/** The release of the suite, to which the lists of known failures belong. */
const SUITE = 'connectrpc.com/conformance';
const SUITE_VERSION = 'v1.0.6';

/** Outside git, and kept for the next run. */
const BUILT = join(root, '.rondo/conformance');
const INTEROP = join(root, 'lab/conformance/interop');

/** The suites' programs, and the folders of their contracts. */
export interface Tools {
  readonly connectconformance: string;
  readonly interopClient: string;
  readonly interopServer: string;
  readonly suiteProtos: string;
  readonly interopProtos: string;
}

/**
 * Builds the suites' programs with Go, from its module proxy, which has the contracts, too.
 *
 * @throws Error with the output of Go if it fails.
 */
export async function buildTools(): Promise<Tools> {
  const bin = join(BUILT, 'bin');
  mkdirSync(bin, { recursive: true });
  await go({ cwd: BUILT, env: { GOBIN: bin } }, 'install', `${SUITE}/cmd/connectconformance@${SUITE_VERSION}`);
  const interop = 'google.golang.org/grpc/interop';
  await go({ cwd: INTEROP }, 'build', '-o', `${bin}/`, `${interop}/client`, `${interop}/server`);
  const interopProtos = join(BUILT, 'interop-protos');
  await go({ cwd: INTEROP }, 'run', '.', interopProtos);
  return {
    connectconformance: join(bin, 'connectconformance'),
    interopClient: join(bin, 'client'),
    interopServer: join(bin, 'server'),
    suiteProtos: join(await moduleFolder(`${SUITE}@${SUITE_VERSION}`), 'proto'),
    interopProtos,
  };
}

async function moduleFolder(spec: string): Promise<string> {
  const { Dir } = JSON.parse(await go({ cwd: BUILT }, 'mod', 'download', '-json', spec));
  return Dir;
}

async function go(
  place: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
  ...args: readonly string[]
): Promise<string> {
  const { code, stdout, stderr } = await start('go', args, place).ended;
  if (code !== 0) throw new Error(`go ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** Our sources for the services that are made. */
const SOURCES = join(root, 'lab/conformance/services');
const SUITE_PACKAGE = 'connectrpc/conformance/v1';

/**
 * Makes the suites' two services in a clone, by `rondo new service` from the suites' own contracts, adds our handlers and
 * clients, and builds them.
 *
 * @throws Error with the output of the step that failed.
 */
export async function makeServices(clone: Clone, { suiteProtos, interopProtos }: Tools): Promise<void> {
  await newService(clone, 'conformance', { roots: suiteProtos, file: `${SUITE_PACKAGE}/service.proto` });
  await newService(clone, 'interop', { roots: interopProtos, file: 'grpc/testing/test.proto' });
  cpSync(SOURCES, join(clone.root, 'services'), { recursive: true });
  for (const name of ['client_compat.proto', 'server_compat.proto']) copyContract(clone, suiteProtos, name);
  await passes(clone.node('scripts/rondo.mjs', 'build'));
}

interface Contract {
  readonly roots: string;
  readonly file: string;
}

async function newService(clone: Clone, name: string, { roots, file }: Contract): Promise<void> {
  await clone.commit();
  await passes(clone.rondo('new', 'service', name, '--proto', join(roots, file), '--proto-path', roots));
}

/** Copies a contract without a service: it has the messages between the suite and the programs under test. */
function copyContract(clone: Clone, suiteProtos: string, name: string): void {
  const copy = join(clone.root, 'proto', SUITE_PACKAGE, name);
  copyFileSync(join(suiteProtos, SUITE_PACKAGE, name), copy);
  // Go keeps its modules read-only.
  chmodSync(copy, 0o644);
}

async function passes(step: ReturnType<Clone['node']>): Promise<void> {
  const { code, stdout, stderr } = await step;
  if (code !== 0) throw new Error(stdout + stderr);
}
