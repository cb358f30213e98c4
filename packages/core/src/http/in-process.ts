// Requests to a server of this process, over a connection that needs no port.
import * as http from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import * as stream from 'node:stream';
import type { Duplex } from 'node:stream';

// Before tracing hooks the module: what a test sends is no request of its functions.
const { request: httpRequest } = http;

/** A request, ready to be sent. */
export interface InProcessRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  /** Disconnects the client when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

/** A whole reply. */
export interface InProcessReply {
  readonly statusCode: number;
  readonly contentType: string;
  readonly body: Buffer;
}

/** Sends a request, and resolves when the headers of its reply are there. */
export function requestInProcess(
  server: Server,
  { method, path, headers, body, signal }: InProcessRequest,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        method,
        path,
        headers: {
          host: 'localhost',
          ...(body === undefined ? {} : { 'content-length': String(body.length) }),
          ...headers,
        },
        // Only now: a request that cannot be sent throws before, and would leave it open.
        createConnection: () => connectTo(server),
        ...(signal === undefined ? {} : { signal }),
      },
      resolve,
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Sends a request, and resolves to its whole reply. */
export async function invokeInProcess(
  server: Server,
  request: InProcessRequest,
): Promise<InProcessReply> {
  const incoming = await requestInProcess(server, request);
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return {
    statusCode: incoming.statusCode ?? 500,
    contentType: incoming.headers['content-type'] ?? '',
    body: Buffer.concat(chunks),
  };
}

// Node's server takes any stream for a socket.
function connectTo(server: Server): Duplex {
  // The types of Node 20 do not have it yet; Node 20.17 does.
  const [client, remote] = (stream as unknown as { duplexPair(): [Duplex, Duplex] }).duplexPair();
  Object.assign(remote, { remoteAddress: '127.0.0.1', remotePort: 0 });
  // As over a socket: when one end goes, the other learns of it.
  client.once('close', () => remote.destroy());
  remote.once('close', () => client.destroy());
  server.emit('connection', remote);
  return client;
}
