import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** The bridge that joins the pods and the host. */
const BRIDGE = 'rondo-lab';
/** The address of the host there: EndpointSlices refuse the loopback. */
export const HOST = '10.244.0.1';

let pods = 0;

/** Makes the network of a cluster, in place of what one before has left. Only root may. */
export async function createNetwork(): Promise<void> {
  await removeNetwork();
  await ip([], [`link add ${BRIDGE} type bridge`, `addr add ${HOST}/16 dev ${BRIDGE}`, `link set ${BRIDGE} up`]);
  allowBridge('-I');
}

/** Removes the bridge and the namespaces of pods. */
export async function removeNetwork(): Promise<void> {
  const listed = await ip(['netns', 'list']);
  const own = listed.split('\n').flatMap((line) => /^rondo-lab-\d+/.exec(line) ?? []);
  for (const name of own) await ip(['netns', 'del', name]);
  await ip(['link', 'del', BRIDGE]).catch(() => undefined); // there is none
  allowBridge('-D');
}

/** Docker's rules drop what bridges of others forward. Without iptables, nothing is dropped. */
function allowBridge(change: '-I' | '-D'): void {
  spawnSync('iptables', [change, 'FORWARD', '-i', BRIDGE, '-o', BRIDGE, '-j', 'ACCEPT']);
}

/** Gives the host an address of a Service. */
export async function addServiceAddress(address: string): Promise<void> {
  await ip(['addr', 'add', `${address}/32`, 'dev', BRIDGE]);
}

/** A network namespace with an address of its own. */
export type PodNetwork = Awaited<ReturnType<typeof createPodNetwork>>;

/** Makes the network namespace of a pod. */
export async function createPodNetwork() {
  pods += 1;
  const name = `rondo-lab-${pods}`;
  const address = `10.244.${1 + Math.floor(pods / 250)}.${1 + (pods % 250)}`;
  await ip(['netns', 'add', name]);
  const link = `rondo-pod${pods}`;
  await ip([], [`link add ${link} type veth peer name eth0 netns ${name}`, `link set ${link} master ${BRIDGE} up`]);
  const inside = ['link set lo up', `addr add ${address}/16 dev eth0`, 'link set eth0 up'];
  await ip(['-n', name], [...inside, `route add default via ${HOST}`]);
  return { name, address, remove: async () => void (await ip(['netns', 'del', name])) };
}

/** Runs `ip`, with several commands at once in `batch`. @throws Error with what it prints if it fails. */
async function ip(args: readonly string[], batch?: readonly string[]): Promise<string> {
  const all = batch === undefined ? args : [...args, '-batch', '-'];
  const child = spawn('ip', all, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(batch?.join('\n'));
  const [[code], stdout, stderr] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]);
  if (code !== 0) throw new Error(`ip ${[...all, ...(batch ?? [])].join(' ')}: ${stderr}`);
  return stdout;
}
