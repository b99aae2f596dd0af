import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { TLSSocket } from 'node:tls';
import type { Logger } from '@rondo/rpc/call';
import { type Clock, systemWallClock, type Timer, type WallClock } from '@rondo/rpc/clock';
import { Handshakes, versionOf } from '@rondo/rpc/internal';
import { StartupError } from '@rondo/service';

/** The files of a certificate chain and its private key, in PEM. */
export interface TlsFiles {
  readonly certPath: string;
  readonly keyPath: string;
}

export interface TlsOptions extends TlsFiles {
  readonly handshakeMs: number;
  /** How often the files are checked. 10 s by default. */
  readonly checkMs?: number;
  readonly clock: Clock;
  readonly wallClock?: WallClock;
  readonly log: Logger;
  /** Takes over a connection after its handshake. */
  readonly secured: (socket: TLSSocket, protocol: 'http2' | 'http1') => void;
}

/** TLS on connections that the listener hands over. */
export interface Tls extends Pick<Handshakes, 'accept' | 'closeUnfinished'> {
  /**
   * Reads the files, and from then on whenever they change. Connections that are open keep their certificate.
   *
   * @throws StartupError if the files can't be used.
   */
  start(): Promise<void>;
  /** Stops the checks of the files. */
  close(): void;
}

/** Source: https://www.rfc-editor.org/rfc/rfc7301 */
const PROTOCOLS = ['h2', 'http/1.1'];
const CHECK_MS = 10_000;

export function createTls(options: TlsOptions): Tls {
  const { certPath, keyPath, handshakeMs, checkMs = CHECK_MS, clock, log, secured } = options;
  const handshakes = new Handshakes({
    options: { ALPNProtocols: PROTOCOLS, minVersion: 'TLSv1.2', handshakeTimeout: handshakeMs },
    secured: (socket) => secured(socket, socket.alpnProtocol === 'h2' ? 'http2' : 'http1'),
  });
  const expiry = watchExpiry({ wallClock: options.wallClock ?? systemWallClock, log });
  let timer: Timer | undefined;
  let version = '';
  /** Why the files that are there now aren't used; undefined if they are. */
  let fault: string | undefined;
  /** Takes the files into use, if they have changed. What can't be used now may be later, as its file system or its rights may be at fault. */
  const load = async () => {
    const found = await versionOf([certPath, keyPath]);
    if (found === version) return;
    const [cert, key] = await Promise.all([readFile(certPath), readFile(keyPath)]);
    // Throws if certificate and key don't belong together, as while they are being replaced; the last pair then stays.
    handshakes.use({ cert, key });
    version = found;
    expiry.follow(cert);
  };
  const schedule = () => {
    timer = clock.setTimer(checkMs, () => void reload(), { keepAlive: false });
  };
  const reload = async () => {
    const before = version;
    const failure = await load().then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
    );
    if (timer === undefined) return; // it was closed meanwhile
    if (before !== version) log.info({ cert: certPath }, 'the public port has a new certificate');
    if (failure !== undefined && failure.message !== fault)
      log.warn({ err: failure }, "the new certificate can't be used: the last one stays");
    fault = failure?.message;
    expiry.check();
    schedule();
  };
  return {
    async start() {
      await load().catch((cause: unknown) => {
        throw new StartupError(`${reasonOf(cause)}; set RONDO_GATEWAY_TLS_DIR`, { cause });
      });
      expiry.check();
      if (timer === undefined) schedule();
    },
    accept: (socket) => handshakes.accept(socket),
    closeUnfinished: () => handshakes.closeUnfinished(),
    close() {
      timer?.cancel();
      timer = undefined;
    },
  };
}

const reasonOf = (cause: unknown): string =>
  `can't use the certificate of the public port: ${cause instanceof Error ? cause.message : String(cause)}`;

const DAY_MS = 24 * 60 * 60 * 1_000;
const WARN_DAYS = 14;

/** Warns once a day when a certificate is about to expire. */
function watchExpiry({ wallClock, log }: { readonly wallClock: WallClock; readonly log: Logger }) {
  let validTo = '';
  let warned: number | undefined;
  return {
    follow(cert: Buffer): void {
      ({ validTo } = new X509Certificate(cert));
      warned = undefined;
    },
    check(): void {
      const days = Math.floor((Date.parse(validTo) - wallClock.now().getTime()) / DAY_MS);
      if (days > WARN_DAYS || days === warned) return;
      warned = days;
      log.warn({ validTo }, 'the certificate of the public port expires soon: renew it');
    },
  };
}
