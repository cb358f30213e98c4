// A relay between a sidecar and an app, over either protocol: it changes nothing, and keeps how the
// app acknowledged each event.
import { once } from 'node:events';
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  connect,
  createServer as createHttp2Server,
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { status } from '@grpc/grpc-js';
import { APP_METHODS } from './app-messages.ts';

/** One event that the app has answered. */
export interface Answer {
  /** Path that the event was posted to; over gRPC the one that its message names. */
  readonly path: string;
  /** Id of the CloudEvent; of a binding's event its `readTimeUTC`. It stays over redeliveries. */
  readonly id: string;
  readonly bulk: boolean;
  /**
   * The answer, as it stands on the wire: `200 RETRY`, `500`, `OK DROP`, `UNKNOWN`; `none` when the
   * connection broke.
   */
  readonly said: string;
}

/** A relay that runs. */
export interface AppRelay {
  readonly port: number;
  readonly answers: readonly Answer[];
  /** Resolves once the answers satisfy a condition; rejects, with those that came, after 30 s. */
  until(condition: (answers: readonly Answer[]) => boolean): Promise<void>;
  close(): Promise<void>;
}

const DEADLINE = 20_000;

type Protocol = 'http' | 'grpc';
type Recorder = (answers: readonly Answer[]) => void;

/** Starts a relay to the app at a port of this machine. */
export async function startAppRelay(protocol: Protocol, appPort: number): Promise<AppRelay> {
  const answers: Answer[] = [];
  const waiting = new Set<() => void>();
  const record: Recorder = (further) => {
    answers.push(...further);
    for (const look of waiting) look();
  };
  const { server, close } =
    protocol === 'http' ? createHttpRelay(appPort, record) : createGrpcRelay(appPort, record);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    answers,
    until: (condition) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          const lines = answers.map(({ path, id, said }) => `${path} ${id}: ${said}`);
          reject(new Error(`not all answers came, but these:\n${lines.join('\n')}`));
        }, DEADLINE);
        const look = (): void => {
          if (!condition(answers)) return;
          waiting.delete(look);
          clearTimeout(timer);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    close,
  };
}

interface Relay {
  readonly server: Server;
  readonly close: () => Promise<void>;
}

function createHttpRelay(appPort: number, record: Recorder): Relay {
  const agent = new Agent({ keepAlive: true });

  async function forward(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = incoming;
    const body = await collect(incoming);
    const received = method === 'POST' ? fromHttp(url, headers, body) : [];
    try {
      const outgoing = request({
        port: appPort,
        host: '127.0.0.1',
        method,
        path: url,
        headers,
        agent,
      });
      outgoing.end(body);
      const [reply] = (await once(outgoing, 'response')) as [IncomingMessage];
      const text = await collect(reply);
      const code = reply.statusCode ?? 0;
      record(received.map((event) => ({ ...event, said: toHttpAnswer(event, code, text) })));
      response.writeHead(code, reply.headers).end(text);
    } catch {
      record(received.map((event) => ({ ...event, said: 'none' })));
      incoming.socket.destroy();
    }
  }

  const server = createServer((incoming, response) => {
    forward(incoming, response).catch(() => incoming.socket.destroy());
  });
  return {
    server,
    close: async () => {
      agent.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Received extends Omit<Answer, 'said'> {
  readonly entryId?: string;
}

interface EventFields {
  readonly id: string;
}

function fromHttp(path: string, headers: IncomingHttpHeaders, body: Buffer): Received[] {
  if (!path.startsWith('/dapr/')) {
    return [{ path, id: String(headers['readtimeutc']), bulk: false }];
  }
  const value = JSON.parse(body.toString()) as EventFields & {
    entries?: readonly { entryId: string; event: EventFields }[];
  };
  if (value.entries === undefined) return [{ path, id: value.id, bulk: false }];
  return value.entries.map(({ entryId, event }) => ({ path, id: event.id, bulk: true, entryId }));
}

interface Statuses {
  readonly status?: string | number;
  readonly statuses?: readonly { entryId: string; status: string | number }[];
}

function toHttpAnswer({ bulk, entryId }: Received, code: number, text: Buffer): string {
  if (text.length === 0 || code !== 200) return String(code);
  const { status: one, statuses } = JSON.parse(text.toString()) as Statuses;
  return `${code} ${bulk ? statuses?.find((each) => each.entryId === entryId)?.status : one}`;
}

function createGrpcRelay(appPort: number, record: Recorder): Relay {
  const sessions = new Set<ServerHttp2Session>();
  let app: ClientHttp2Session | undefined;

  function toApp(): ClientHttp2Session {
    if (app === undefined || app.closed || app.destroyed) {
      app = connect(`http://127.0.0.1:${appPort}`);
      app.on('error', () => {});
    }
    return app;
  }

  async function forward(
    stream: ServerHttp2Stream,
    { ':path': path = '', ':method': method, ...headers }: IncomingHttpHeaders,
  ): Promise<void> {
    const body = await collect(stream);
    const received = fromGrpc(path, body);
    const broken = (): void => {
      record(received.map((event) => ({ ...event, said: 'none' })));
      stream.close();
    };
    const passed = Object.entries(headers).filter(([name]) => !name.startsWith(':'));
    const outgoing = toApp().request({
      ...Object.fromEntries(passed),
      ':path': path,
      ':method': method,
    });
    outgoing.end(body);
    let trailers: IncomingHttpHeaders | undefined;
    outgoing.on('trailers', (given: IncomingHttpHeaders) => (trailers = given));
    try {
      const [head] = (await once(outgoing, 'response')) as [IncomingHttpHeaders];
      const text = await collect(outgoing);
      // Without a body, everything is in the headers.
      const end = trailers ?? head;
      if (end['grpc-status'] === undefined) throw new Error('the call was cut off');
      record(received.map((event) => ({ ...event, said: toGrpcAnswer(path, event, end, text) })));
      if (trailers !== undefined) {
        stream.once('wantTrailers', () => stream.sendTrailers({ ...trailers }));
      }
      const { 'content-type': type } = head;
      const fields = trailers === undefined ? head : { ':status': 200, 'content-type': type };
      stream.respond(
        Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)),
        { waitForTrailers: trailers !== undefined, endStream: false },
      );
      stream.end(text);
    } catch {
      broken();
    }
  }

  const server = createHttp2Server();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.once('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    forward(stream, headers).catch(() => stream.close());
  });
  return {
    server,
    close: async () => {
      app?.destroy();
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

// A message behind the five bytes that say its length.
function unframe(frame: Buffer): Buffer {
  return frame.subarray(5);
}

interface GrpcRequest {
  readonly id?: string;
  readonly path?: string;
  readonly name?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly entries?: readonly {
    readonly entryId: string;
    readonly event: { readonly value: EventFields };
  }[];
}

function fromGrpc(method: string, body: Buffer): Received[] {
  const name = method.slice(method.lastIndexOf('/') + 1);
  if (!/^On(?:Bulk)?TopicEvent|^OnBindingEvent/.test(name)) return [];
  const request = APP_METHODS.get(name)?.fromRequest(unframe(body)) as GrpcRequest;
  const { id = '', path = '', entries, metadata } = request;
  if (request.name !== undefined) {
    const tick = Object.entries(metadata ?? {}).find(([key]) => /^readtimeutc$/i.test(key))?.[1];
    return [{ path: `/${request.name}`, id: String(tick), bulk: false }];
  }
  if (entries === undefined) return [{ path, id, bulk: false }];
  return entries.map(({ entryId, event }) => ({ path, id: event.value.id, bulk: true, entryId }));
}

const TOPIC_STATUSES = ['SUCCESS', 'RETRY', 'DROP'];

function toGrpcAnswer(
  method: string,
  { bulk, entryId }: Received,
  { 'grpc-status': code }: IncomingHttpHeaders,
  text: Buffer,
): string {
  const said = status[Number(code)] ?? '';
  const name = method.slice(method.lastIndexOf('/') + 1);
  if (said !== 'OK' || name === 'OnBindingEvent') return said;
  const reply = APP_METHODS.get(name)?.fromReply(unframe(text)) as Statuses;
  const own = bulk
    ? reply.statuses?.find((each) => each.entryId === entryId)?.status
    : reply.status;
  return `${said} ${TOPIC_STATUSES[Number(own)]}`;
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
