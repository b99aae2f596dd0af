import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root, start } from '@rondo/harness';

/** A contract of another project, from the npm package in which that project ships it. */
export interface ForeignContract {
  /** Its subject, in a word or two. */
  readonly about: string;
  /** The name of the service that is made from it. */
  readonly service: string;
  /** `name@version`: the file is read there and never copied into this repository. */
  readonly from: string;
  /** The file in the package. */
  readonly file: string;
  /** The package's folders of imports, if they can't be derived. */
  readonly protoPaths?: readonly string[];
  /** The message of `rondo new service`, if it must refuse the contract. */
  readonly refused?: RegExp;
  /** Whether it is part of `npm test`, as its package is installed as a dependency. */
  readonly short?: true;
}

const googleapis = 'google-proto-files@6.0.1';
const hedera = '@hashgraph/proto@2.25.0';
const envoy = '@grpc/grpc-js-xds@1.14.1';
const envoyRoots = ['deps/envoy-api', 'deps/xds', 'deps/protoc-gen-validate'];
const lnd = 'lightning@11.1.0';

/** In the order in which services are made from them: a later one may share files with an earlier one. */
export const foreignContracts: readonly ForeignContract[] = [
  {
    about: 'object storage',
    service: 'cloud-storage',
    from: googleapis,
    file: 'google/storage/v2/storage.proto',
    short: true,
  },
  {
    about: 'telemetry',
    service: 'channelz',
    from: '@grpc/grpc-js@1.14.7',
    file: 'proto/channelz.proto',
    short: true,
  },
  {
    about: 'workflow engine',
    service: 'cloud-workflows',
    from: googleapis,
    file: 'google/cloud/workflows/executions/v1/executions.proto',
    short: true,
  },
  { about: 'payments', service: 'hedera-crypto', from: hedera, file: 'src/proto/services_crypto_service.proto' },
  { about: 'payments', service: 'hedera-mirror', from: hedera, file: 'src/proto/mirror_consensus_service.proto' },
  { about: 'key-value storage', service: 'etcd', from: 'etcd3-rpc@1.2.0', file: 'proto/rpc.proto' },
  { about: 'documents', service: 'firestore', from: googleapis, file: 'google/firestore/v1/firestore.proto' },
  {
    about: 'vectors',
    service: 'milvus',
    from: '@zilliz/milvus2-sdk-node@2.2.24',
    file: 'dist/proto/proto/milvus.proto',
  },
  {
    about: 'messaging',
    service: 'pubsub',
    from: '@google-cloud/pubsub@4.11.0',
    file: 'build/protos/google/pubsub/v1/pubsub.proto',
  },
  { about: 'ordering', service: 'fabric-orderer', from: 'fabric-protos@2.2.20', file: 'protos/orderer/ab.proto' },
  {
    about: 'telemetry',
    service: 'otlp-traces',
    from: '@opentelemetry/exporter-trace-otlp-grpc@0.27.0',
    file: 'build/protos/opentelemetry/proto/collector/trace/v1/trace_service.proto',
  },
  { about: 'payments', service: 'lnd', from: lnd, file: 'grpc/protos/lightning.proto' },
  { about: 'payments', service: 'lnd-router', from: lnd, file: 'grpc/protos/router.proto' },
  { about: 'workflow engine', service: 'zeebe', from: 'zeebe-node@8.3.2', file: 'proto/zeebe.proto' },
  {
    about: 'workflow engine',
    service: 'kalix-workflow',
    from: '@kalix-io/kalix-javascript-sdk@1.1.0',
    file: 'proto/kalix/component/workflow/workflow_entity.proto',
  },
  {
    about: 'sidecar runtime',
    service: 'dapr',
    from: '@dapr/dapr@3.18.0',
    file: 'proto/dapr/proto/runtime/v1/dapr.proto',
  },
  {
    about: 'service mesh',
    service: 'envoy-ads',
    from: envoy,
    file: 'deps/envoy-api/envoy/service/discovery/v3/ads.proto',
    protoPaths: envoyRoots,
  },
  {
    about: 'telemetry',
    service: 'envoy-trace',
    from: envoy,
    file: 'deps/envoy-api/envoy/service/trace/v3/trace_service.proto',
    protoPaths: envoyRoots,
    // The package ships only what a client needs, and this import isn't.
    refused: /trace_service\.proto:7: imports "opencensus\/proto\/trace\/v1\/trace\.proto", .*--proto-path/,
  },
  {
    about: 'ledger',
    service: 'flow-access',
    from: '@onflow/protobuf@1.1.0',
    file: 'src/proto/flow/access/access.proto',
  },
  {
    about: 'inference',
    service: 'clarifai',
    from: 'clarifai-nodejs-grpc@11.11.0',
    file: 'proto/clarifai/api/service.proto',
  },
  { about: 'databases', service: 'spanner', from: googleapis, file: 'google/spanner/v1/spanner.proto' },
  { about: 'databases', service: 'bigtable', from: googleapis, file: 'google/bigtable/v2/bigtable.proto' },
  { about: 'logs', service: 'cloud-logging', from: googleapis, file: 'google/logging/v2/logging.proto' },
  {
    about: 'a closure of hundreds of files',
    service: 'google-ads',
    from: googleapis,
    file: 'google/ads/googleads/v25/services/google_ads_service.proto',
  },
];

/** Outside git, and kept for the next run. */
const FETCHED = join(root, '.rondo/foreign');

/**
 * The folder of an npm package, `name@version`: the installed one, or else one into which its files are unpacked, without its
 * dependencies and without running its scripts.
 *
 * @throws Error if npm's registry doesn't have it, or can't be reached.
 */
export async function packageFolder(spec: string): Promise<string> {
  const at = spec.lastIndexOf('@');
  const [name, version] = [spec.slice(0, at), spec.slice(at + 1)];
  const installed = ['', 'packages/rpc'].map((workspace) => join(root, workspace, 'node_modules', name));
  const fetched = join(FETCHED, spec);
  const found = [...installed, fetched].find((folder) => versionOf(folder) === version);
  if (found !== undefined) return found;
  await unpack(spec, fetched);
  return fetched;
}

function versionOf(folder: string): string | undefined {
  const manifest = join(folder, 'package.json');
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : undefined;
}

/** The folder gets its name when it is complete, so that a fetch that is broken off isn't taken for a package. */
async function unpack(spec: string, to: string): Promise<void> {
  mkdirSync(FETCHED, { recursive: true });
  const folder = mkdtempSync(join(FETCHED, '.under-way-'));
  try {
    const archive = (await output(folder, 'npm', ['pack', spec, '--silent', '--ignore-scripts'])).trim();
    await output(folder, 'tar', ['-xzf', archive]);
    mkdirSync(dirname(to), { recursive: true });
    rmSync(to, { recursive: true, force: true });
    renameSync(join(folder, 'package'), to);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function output(cwd: string, command: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await start(command, args, { cwd }).ended;
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}
