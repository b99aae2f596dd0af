// Finds and registers the calculator by eureka-client, at the server HOST PORT. The messages of Add are bytes here.
import { once } from 'node:events';
import { createRequire } from 'node:module';

const { Client, credentials, Server, ServerCredentials } = createRequire(import.meta.url)('@grpc/grpc-js');
const { Eureka } = createRequire(new URL('.build/', import.meta.url))('eureka-client');
const [host, port] = process.argv.slice(2);
const SERVICE = 'calculator.v1.CalculatorService';
const bytes = (message) => Buffer.from(message);
const Add = {
  path: `/${SERVICE}/Add`,
  requestStream: false,
  responseStream: false,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
};

const server = new Server();
server.addService({ Add }, { Add: (_call, callback) => callback(null, Buffer.of(8, 42)) });
const own = await new Promise((resolve, reject) => {
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
    error ? reject(error) : resolve(bound),
  );
});
const instance = {
  app: SERVICE,
  vipAddress: SERVICE,
  hostName: 'peer-1',
  ipAddr: '127.0.0.1',
  dataCenterInfo: { name: 'MyOwn' },
  port: { $: own, '@enabled': true },
  leaseInfo: { renewalIntervalInSecs: 1, durationInSecs: 3 },
};
instance.dataCenterInfo['@class'] = 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo';
const intervals = { heartbeatInterval: 1_000, registryFetchInterval: 500, fetchRegistry: true };
const logger = { debug() {}, info() {}, warn() {}, error: console.error };
const eureka = new Eureka({ instance, logger, eureka: { host, port, servicePath: '/eureka/apps/', ...intervals } });
eureka.start();
await once(eureka, 'started');

const called = new Set();
let seen;
setInterval(() => {
  const found = eureka.getInstancesByVipAddress(SERVICE);
  const ids = found.map(({ instanceId, hostName }) => instanceId ?? hostName).toSorted();
  if (ids.join(' ') !== seen) console.log(`sees: ${ids.join(' ')}`);
  seen = ids.join(' ');
  for (const { instanceId, ipAddr, port: at } of found) {
    if (instanceId === undefined || called.has(instanceId)) continue;
    called.add(instanceId);
    const client = new Client(`${ipAddr}:${at.$}`, credentials.createInsecure());
    client.makeUnaryRequest(Add.path, bytes, bytes, Buffer.of(8, 2, 16, 3), (error, answer) => {
      console.log(`answer of ${instanceId}: ${error?.message ?? answer[1]}`);
    });
  }
}, 500);
