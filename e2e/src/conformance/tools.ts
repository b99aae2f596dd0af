import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root, start } from '@rondo/harness';

/** The release of the suite: its lists of known failures are of this one. */
const SUITE = 'connectrpc.com/conformance';
const SUITE_VERSION = 'v1.0.6';

/** Outside git, and kept: what was built once is there the next time. */
const BUILT = join(root, '.rondo/conformance');
const INTEROP = join(root, 'e2e/conformance/interop');

/** The suites' programs, and the folders of their contracts. */
export interface Tools {
  readonly connectconformance: string;
  readonly interopClient: string;
  readonly interopServer: string;
  readonly suiteProtos: string;
  readonly interopProtos: string;
}

/**
 * Builds the suites' programs by Go, whose module proxy has them and the contracts.
 *
 * @throws Error with what Go says if it can't.
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
