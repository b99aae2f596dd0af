import { fromBinary } from '@bufbuild/protobuf';
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  type MethodDescriptorProto,
} from '@bufbuild/protobuf/wkt';
import {
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionDefinition as V1,
} from '@rondo/contracts/grpc/reflection/v1/reflection';
import { ServerReflectionDefinition as V1Alpha } from '@rondo/contracts/grpc/reflection/v1alpha/reflection';
import { type Client, createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { patientClock } from '../../packages/rpc/test/support/patient-clock.js';

/** The shape of a call. */
export type Kind = 'unary' | 'client stream' | 'server stream' | 'bidirectional';

/** A method as its server's reflection describes it. */
export interface ReflectedMethod {
  readonly service: string;
  readonly name: string;
  readonly kind: Kind;
}

/** A server's methods, by each version of the reflection protocol. */
export interface Reflected {
  readonly v1: readonly ReflectedMethod[];
  readonly v1alpha: readonly ReflectedMethod[];
}

/** Asks the server at `address` for its services and their methods, without the services that every Rondo server has. */
export async function reflect(address: string): Promise<Reflected> {
  const channel = createChannel({ resolver: staticResolver([address]), clock: patientClock });
  try {
    return {
      v1: await methodsBy(createClient(V1, { channel })),
      v1alpha: await methodsBy(createClient(V1Alpha, { channel })),
    };
  } finally {
    channel.close();
  }
}

type ReflectionClient = Pick<Client<typeof V1>, 'serverReflectionInfo'>;
type Question = NonNullable<ServerReflectionRequest['messageRequest']>;
type Answer = NonNullable<ServerReflectionResponse['messageResponse']>;

const OF_EVERY_SERVER = /^(grpc\.(health|reflection)|rondo|xds\.service\.orca)\./;
const TIMEOUT_MS = 60_000;

async function methodsBy(client: ReflectionClient): Promise<readonly ReflectedMethod[]> {
  const listed = await ask(client, { $case: 'listServices', value: '*' });
  if (listed.$case !== 'listServicesResponse') throw new Error(`not a list of services: ${JSON.stringify(listed)}`);
  const services = listed.value.service.map(({ name }) => name).filter((name) => !OF_EVERY_SERVER.test(name));
  const methods = await Promise.all(services.sort().map((service) => methodsOf(service, client)));
  return methods.flat();
}

async function methodsOf(service: string, client: ReflectionClient): Promise<readonly ReflectedMethod[]> {
  const answer = await ask(client, { $case: 'fileContainingSymbol', value: service });
  if (answer.$case !== 'fileDescriptorResponse') throw new Error(`${service}: ${JSON.stringify(answer)}`);
  const files = answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
  const declared = files.flatMap(servicesOf).find(({ fullName }) => fullName === service);
  if (declared === undefined) throw new Error(`${service} is in no file that the server returned`);
  return declared.method.map((method) => ({ service, name: method.name, kind: kindOf(method) }));
}

const servicesOf = (file: FileDescriptorProto) =>
  file.service.map(({ name, method }) => ({
    fullName: file.package === '' ? name : `${file.package}.${name}`,
    method,
  }));

function kindOf({ clientStreaming, serverStreaming }: MethodDescriptorProto): Kind {
  if (clientStreaming) return serverStreaming ? 'bidirectional' : 'client stream';
  return serverStreaming ? 'server stream' : 'unary';
}

async function ask(client: ReflectionClient, messageRequest: Question): Promise<Answer> {
  async function* questions() {
    yield { messageRequest };
  }
  for await (const { messageResponse } of client.serverReflectionInfo(questions(), { timeoutMs: TIMEOUT_MS })) {
    if (messageResponse !== undefined) return messageResponse;
  }
  throw new Error(`no answer to ${JSON.stringify(messageRequest)}`);
}
