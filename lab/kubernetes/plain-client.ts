import { Client, credentials, type ServiceError } from '@grpc/grpc-js';

/** Calls of plain grpc-js, the usual client: it has one connection to the one address that it knows. */
export class PlainClient {
  readonly #client: Client;

  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure());
  }

  /** Adds, and gives the instance that did. @throws ServiceError. */
  add(): Promise<string> {
    const same = (bytes: Buffer) => bytes;
    const request = Buffer.from([0x08, 2, 0x10, 3]);
    return new Promise((resolve, reject) => {
      let failure: ServiceError | null = null;
      const deadline = Date.now() + 10_000;
      const path = '/calculator.v1.CalculatorService/Add';
      this.#client
        .makeUnaryRequest(path, same, same, request, { deadline }, (error) => {
          failure = error;
        })
        .on('status', ({ metadata }) => {
          if (failure === null) resolve(String(metadata.get('rondo-served-by')[0]));
          else reject(failure);
        });
    });
  }

  close(): void {
    this.#client.close();
  }
}
