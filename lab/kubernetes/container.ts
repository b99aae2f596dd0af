import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { type RunningProcess, start } from '@rondo/harness';

/** A process as an image of a workspace would run it. */
export interface ContainerOptions {
  /** The network namespace. */
  readonly network: string;
  /** An empty folder, which becomes the root. */
  readonly root: string;
  /** What the image has at /app. */
  readonly image: string;
  readonly user: number;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Paths inside, and the folders or files of the host that are there. */
  readonly mounts: ReadonlyMap<string, string>;
  readonly logFile: string;
}

/**
 * Makes a read-only root of the host's programs, the image's files at /app and the mounts, and becomes the command in it, as another
 * user. Mounts are this process's own: `ip netns exec` gives it a namespace for them.
 */
const SCRIPT = `
set -e
root=$1 image=$2 node=$3 user=$4; shift 4
mount -t tmpfs -o mode=755 tmpfs "$root"
for name in usr bin sbin lib lib64 etc proc dev; do
  if [ -L "/$name" ]; then cp -P "/$name" "$root/$name"
  elif [ -d "/$name" ]; then mkdir "$root/$name"; mount --rbind "/$name" "$root/$name"; fi
done
mkdir "$root/app" "$root/node"
mount --bind "$image" "$root/app"
mount --bind "$node" "$root/node"
while [ "$1" != -- ]; do
  if [ -d "$2" ]; then mkdir -p "$root$1"; fi
  mount --bind "$2" "$root$1"
  shift 2
done
shift
mount -o remount,bind,ro "$root"
exec chroot --userspec="$user:$user" --groups="$user" "$root" sh -c 'cd /app && exec "$@"' sh "$@"
`;

/** Starts the process. It ends with this one. */
export function startContainer(options: ContainerOptions): RunningProcess {
  const { network, root, image, user, command, env, mounts, logFile } = options;
  mkdirSync(root, { recursive: true });
  const variables = Object.entries({
    PATH: '/node:/usr/bin:/bin',
    NODE_ENV: 'production',
    RONDO_DESCRIPTORS: '/app/descriptors.binpb',
    ...env,
  });
  return start(
    'ip',
    [
      ...['netns', 'exec', network, 'sh', '-c', SCRIPT, 'sh'],
      ...[root, image, path.dirname(process.execPath), String(user), ...[...mounts].flat(), '--'],
      ...['env', '-i', ...variables.map(([name, value]) => `${name}=${value}`), ...command],
    ],
    { logFile },
  );
}
