// One attempt of a request to the sidecar: sent as it is, and its reply read in whole.
import * as http from 'node:http';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { toBytes } from './payload.ts';

/** What a request is made of. Bodies of other types than these come from users of the SDK's client. */
export interface FetchInit {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
}

/** A reply that has arrived in whole. */
export interface SidecarReply {
  readonly status: number;
  readonly statusText: string;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  /** The same as a promise of the text, for the SDK. */
  text(): Promise<string>;
}

/** The connections to one sidecar. */
export interface SidecarConnections {
  /**
   * Sends and reads.
   *
   * @param started Is given the request, for who wants to destroy it.
   * @throws What Node says when the connection fails, and what the request was destroyed with.
   */
  exchange(
    path: string,
    init: FetchInit,
    started: (request: ClientRequest) => void,
  ): Promise<SidecarReply>;
  /** Closes them all. */
  close(): void;
}

// Taken when this module is loaded: tracing puts its own in the place of Node's later, and would make a
// second span of what has an exit span already.
const { request: send } = http;

// An answer without an end would take all memory before the deadline.
const LARGEST_REPLY = 256 * 1024 * 1024;

/**
 * Makes the connections to one base URL; the first request opens the first.
 *
 * @param largest Bytes of a reply beyond which it fails. Default 256 MiB.
 *
 * Node's own client, not the `fetch` of the SDK's client: that one shares its agents with all clients of
 * the process, which the `stop` of any of them destroys, and takes a third of the time of a call.
 */
export function createConnections(base: string, largest = LARGEST_REPLY): SidecarConnections {
  const isHttps = base.startsWith('https:');
  const { hostname, port } = new URL(base);
  // Idle connections are closed early, before a server of the usual 5 s does it in the middle of a send.
  const settings = { keepAlive: true, timeout: 4000 };
  // TLS is loaded by those who need it: it would be a tenth of the start of a function.
  const { Agent } = isHttps ? process.getBuiltinModule('node:https') : http;
  const agent = new Agent(settings);
  // By the agent, the request of plain HTTP goes over TLS too.
  const target = {
    agent,
    protocol: isHttps ? 'https:' : 'http:',
    // Node wants an IPv6 address without its brackets.
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (isHttps ? 443 : 80) : Number(port),
  };
  return {
    exchange: (path, { method, headers, body }, started) =>
      new Promise((resolve, reject) => {
        const request = send({ ...target, path, method, headers }, (response) =>
          read(response, largest, resolve, reject),
        );
        request.on('error', reject);
        started(request);
        request.end(body);
      }),
    close: () => agent.destroy(),
  };
}

function read(
  response: IncomingMessage,
  largest: number,
  resolve: (reply: SidecarReply) => void,
  reject: (error: Error) => void,
): void {
  const chunks: Buffer[] = [];
  let size = 0;
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= largest) chunks.push(chunk);
    else response.destroy(new Error(`its answer is longer than ${largest} bytes`));
  });
  response.on('error', reject);
  response.on('end', () => {
    const [first] = chunks;
    const bytes = first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks);
    resolve({
      status: response.statusCode ?? 0,
      statusText: response.statusMessage ?? '',
      headers: response.headers,
      bytes,
      text: () => Promise.resolve(bytes.toString('utf8')),
    });
  });
}

/** Any body that the SDK's client may be given as one that can be sent, and sent again. */
export async function toBody(body: unknown): Promise<string | Uint8Array | undefined> {
  if (body === undefined || body === null || typeof body === 'string') return body ?? undefined;
  if (body instanceof Readable) return buffer(body);
  if (body instanceof URLSearchParams) return body.toString();
  return toBytes(body) ?? JSON.stringify(body);
}
