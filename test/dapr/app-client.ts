// What a sidecar sends to an app over gRPC, sent by hand: a method and its request become what the
// app answers, whatever that is.
import { Client, Metadata, credentials, status, type ServiceError } from '@grpc/grpc-js';
import { APP_METHODS } from './app-messages.ts';

/** What an app answered. */
interface AppReply {
  /** Name of the gRPC status. */
  readonly status: string;
  readonly details: string;
  readonly message: Readonly<Record<string, unknown>>;
}

/** A client of an app. */
export interface AppClient {
  /** Calls a method of the callback, with an object or with bytes as they are. */
  call(
    method: string,
    request?: object | Uint8Array,
    headers?: Readonly<Record<string, string>>,
  ): Promise<AppReply>;
  close(): void;
}

/** Creates a client of the app at a port of this machine. */
export function createAppClient(port: number): AppClient {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  return {
    call(name, request = {}, headers = {}) {
      const method = APP_METHODS.get(name);
      if (method === undefined) throw new Error(`the app callback has no ${name}`);
      const metadata = new Metadata();
      for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
      const bytes = request instanceof Uint8Array ? request : method.toRequest(request);
      return new Promise((resolve) => {
        const done = (error: ServiceError | null, reply?: Buffer): void => {
          resolve({
            status: status[error?.code ?? status.OK] ?? '',
            details: error?.details ?? '',
            message: { ...(reply === undefined ? {} : method.fromReply(reply)) },
          });
        };
        const same = (value: Buffer): Buffer => value;
        client.makeUnaryRequest(method.path, same, same, Buffer.from(bytes), metadata, done);
      });
    },
    close: () => client.close(),
  };
}
