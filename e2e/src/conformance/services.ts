import { chmodSync, copyFileSync, cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@rondo/harness';
import type { Clone } from '../clone.js';
import type { Tools } from './tools.js';

/** What of ours goes into the folders of the services that are made. */
const SOURCES = join(root, 'e2e/conformance/services');
const SUITE_PACKAGE = 'connectrpc/conformance/v1';

/**
 * Makes the suites' two services in a clone, from the suites' own contracts as any service is made, puts our handlers and
 * clients into them and builds them.
 *
 * @throws Error with the output of the step that failed.
 */
export async function makeServices(clone: Clone, { suiteProtos, interopProtos }: Tools): Promise<void> {
  await newService(clone, 'conformance', { roots: suiteProtos, file: `${SUITE_PACKAGE}/service.proto` });
  await newService(clone, 'interop', { roots: interopProtos, file: 'grpc/testing/test.proto' });
  cpSync(SOURCES, join(clone.root, 'services'), { recursive: true });
  for (const name of ['client_compat.proto', 'server_compat.proto']) copyContract(clone, suiteProtos, name);
  linkGrpcJs(clone);
  await passes(clone.node('scripts/run.mjs', 'build'));
}

interface Contract {
  readonly roots: string;
  readonly file: string;
}

async function newService(clone: Clone, name: string, { roots, file }: Contract): Promise<void> {
  await passes(clone.rondo('new', 'service', name, '--proto', join(roots, file), '--proto-path', roots));
}

/** The messages in which the suite and the programs under test talk belong to no service. */
function copyContract(clone: Clone, suiteProtos: string, name: string): void {
  const copy = join(clone.root, 'proto', SUITE_PACKAGE, name);
  copyFileSync(join(suiteProtos, SUITE_PACKAGE, name), copy);
  // Go keeps its modules read-only.
  chmodSync(copy, 0o644);
}

/** The plain programs call grpc-js themselves: the very one that the runtime calls. */
function linkGrpcJs(clone: Clone): void {
  const folder = join(clone.root, 'services/conformance/node_modules/@grpc');
  mkdirSync(folder, { recursive: true });
  symlinkSync(join(clone.root, 'packages/rpc/node_modules/@grpc/grpc-js'), join(folder, 'grpc-js'));
}

async function passes(step: ReturnType<Clone['node']>): Promise<void> {
  const { code, stdout, stderr } = await step;
  if (code !== 0) throw new Error(stdout + stderr);
}
