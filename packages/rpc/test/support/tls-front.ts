import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer, type TlsOptions } from 'node:tls';

/** What takes TLS in front of a server that has none, as a load balancer does. */
export interface TlsFront {
  readonly port: number;
  close(): Promise<void>;
}

/** Starts one on a free port of loopback, before the server at `address`. */
export async function startTlsFront(address: string, options: TlsOptions): Promise<TlsFront> {
  const [host = '', port] = address.split(':');
  const sockets = new Set<Socket>();
  const hold = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  };
  const server = createServer({ ...options, ALPNProtocols: ['h2'] }, (outside) => {
    const inside = connect(Number(port), host);
    hold(inside);
    outside.pipe(inside).pipe(outside);
  });
  server.on('connection', hold);
  server.on('secureConnection', hold);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
