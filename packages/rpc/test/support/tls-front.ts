import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer, type TlsOptions } from 'node:tls';

/** A TLS proxy in front of a plaintext server, like a load balancer. */
export interface TlsFront {
  readonly port: number;
  close(): Promise<void>;
}

/** Starts it on a free port of the loopback interface, in front of the server at `address`. */
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
